-- Creates and changes schedules.
-- args     { items = { { id, definition, task, why, state, expect, pause, history, timing, shard, policy }… }, ownNames }
--            expect = revision, 0 for absent; timing = 'keep', false or { fireTime, due, tz, afterRun or false, calendars or
--            false }, calendars = { revision, names… }; policy = { delivery, priority, group }; ownNames: the calendars
--            are kept in this cell, so that their names can be checked
-- returns  per item { outcome, schedule row or names that are missing }
-- include  says schedules runs schedule-row
local function dueOf(timing)
  return timing and timing[2]
end

local function missingNames(calendars)
  local missing = {}
  if args.ownNames then
    for i = 2, #calendars do
      if call('HEXISTS', P .. 'calendars', calendars[i]) == 0 then missing[#missing + 1] = calendars[i] end
    end
  end
  return missing
end

local function refer(id, calendars)
  local before = call('HGET', P .. 'd:' .. id, 'cal')
  if before then
    for _, name in ipairs(cjson.decode(before)) do call('SREM', P .. 'users:' .. name, id) end
    call('HDEL', P .. 'd:' .. id, 'cal')
  end
  if not calendars then return end
  local names = {}
  for i = 2, #calendars do
    names[#names + 1] = calendars[i]
    call('SADD', P .. 'users:' .. calendars[i], id)
  end
  call('HSET', P .. 'd:' .. id, 'cal', cjson.encode(names))
end

-- The fire time that is due and that the new timing drops leaves a record.
local function recordDropped(id, s, task, policy, timing)
  if s.st ~= 'active' or not s.ft or tonumber(s.due) > now then return end
  if (timing and timing[1] == s.ft) or tonumber(s.ft) <= (tonumber(s.hw or '') or -math.huge) then return end
  local run = { schedule = id, member = s.ft, id = runIdOf(id, s.ft), fireTime = s.ft, due = s.due, task = task,
    delivery = policy[1], priority = policy[2], group = policy[3], spec = false }
  if remember(run) then
    createRecord(run, 'missed', SAYS.dropped,
      '{"count":1,"exact":false,"from":' .. s.ft .. ',"to":' .. s.ft .. '}')
  end
  call('HSET', P .. 's:' .. id, 'hw', s.ft)
end

local function put(item)
  local id, state, timing = item[1], item[5], item[9]
  local key = P .. 's:' .. id
  local v = call('HMGET', key, 'rev', 'st', 'ft', 'due', 'tz', 'hw', 'sh')
  if (tonumber(v[1]) or 0) ~= item[6] then return { 'conflict', scheduleRow(id) } end
  local calendars = timing and timing ~= 'keep' and timing[5]
  if calendars then
    local missing = missingNames(calendars)
    local revision = tonumber(call('GET', P .. 'calendars-revision') or '0')
    if #missing > 0 or revision ~= calendars[1] then return { 'calendars', missing } end
  end

  local s = { st = v[2], ft = v[3], due = v[4], tz = v[5], hw = v[6] }
  local definition = { 'def', item[2], 'task', item[3], 'up', nowText }
  if v[1] then
    if timing ~= 'keep' then
      local before = call('HMGET', P .. 'd:' .. id, 'task', 'policy')
      recordDropped(id, s, before[1], cjson.decode(before[2]), timing)
    end
    call('HINCRBY', key, 'rev', 1)
    -- A schedule that someone sets going again has a clean record.
    if state == 'active' and s.st ~= 'active' then
      call('HSET', key, 'f', '0')
      call('SREM', P .. 'failing', id)
    end
    call('HSET', key, 'st', state)
  else
    -- Revisions go on where the deleted namesake ended: a stale edit of that one must not fit this one.
    local grave = call('HMGET', P .. 't:' .. id, 'rev', 'hw')
    call('DEL', P .. 't:' .. id)
    call('HSET', key, 'rev', text((tonumber(grave[1]) or 0) + 1), 'st', state, 'n', '0', 'f', '0', 'sh', item[10])
    if grave[2] then call('HSET', key, 'hw', grave[2]) end
    call('ZADD', P .. 'ids', 0, id)
    call('ZREM', P .. 'graves', id)
    definition[#definition + 1] = 'at'
    definition[#definition + 1] = nowText
    s.st = false
  end
  call('HDEL', P .. 'd:' .. id, 'why', 'pause', 'hist')
  definition[#definition + 1] = 'policy'
  definition[#definition + 1] = cjson.encode(item[11])
  for name, value in pairs({ why = item[4], pause = item[7], hist = item[8] }) do
    if value then
      definition[#definition + 1] = name
      definition[#definition + 1] = value
    end
  end
  call('HSET', P .. 'd:' .. id, unpack(definition))

  local is = { state, s.due, s.tz }
  if timing ~= 'keep' then
    call('HDEL', key, 'ft', 'due', 'tz', 'cr', 'ar')
    call('SREM', P .. 'after-run', id)
    if timing then
      call('HSET', key, 'ft', timing[1], 'due', timing[2], 'tz', timing[3])
      if timing[4] then
        call('HSET', key, 'ar', timing[4])
        call('SADD', P .. 'after-run', id)
      end
      if calendars then call('HSET', key, 'cr', text(calendars[1])) end
      -- Without a fire time the trigger stays what it was, and with it what it refers to.
      refer(id, calendars)
    end
    is = { state, dueOf(timing), timing and timing[3] }
  end
  place(id, v[7] or item[10], { s.st, s.due, s.tz }, is)
  if timing and timing ~= 'keep' and timing[4] then timeAfterRun(id) end
  -- Whoever sleeps looks again within half a second by itself.
  if is[2] and tonumber(is[2]) < now + 1000 then hints.due = true end
  return { v[1] and 'updated' or 'created', scheduleRow(id) }
end

whenThereIsRoom()
local answers = {}
for i, item in ipairs(args.items) do answers[i] = put(item) end
conclude()
publish()
return answers
