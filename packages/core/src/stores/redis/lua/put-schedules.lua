-- Creates and changes schedules.
-- args     { items = { { id, definition, task, why, state, expect, pause, history, timing, shard, policy }… }, ownNames }
--            expect = revision, 0 for absent; timing = 'keep', false or { fireTime, due, tz, afterRun or false, calendars or
--            false, stretched or '' }, calendars = { revision, names… }; policy = { delivery, priority, group }; ownNames: the calendars
--            are kept in this cell, so that their names can be checked
-- returns  per item { outcome, schedule row or names that are missing }
-- include  says schedules runs history calendar-use schedule-row
local function missingNames(calendars)
  local missing = {}
  if args.ownNames then
    for i = 2, #calendars do
      if call('HEXISTS', P .. 'calendars', calendars[i]) == 0 then missing[#missing + 1] = calendars[i] end
    end
  end
  return missing
end

-- The fire time that is due and that the new timing drops leaves a record.
local function recordDropped(s, timing)
  if s.st ~= 'active' or s.ft == '' or tonumber(s.due) > now then return end
  if (timing and timing[1] == s.ft) or tonumber(s.ft) <= (tonumber(s.hw) or -math.huge) then return end
  local before = call('HMGET', P .. 'd:' .. s.id, 'task', 'policy')
  local policy = cjson.decode(before[2])
  if remember(s.id, s.ft, s.ft) then
    local terms = termsOf(before[1], false, policy[1], policy[2], policy[3], 'scheduled')
    local r = newRun(s.id, s.ft, s.due, terms, false)
    recordAs(r, 'missed', SAYS.dropped, '{"count":1,"exact":false,"from":' .. s.ft .. ',"to":' .. s.ft .. '}')
  end
  raiseMark(s, s.ft)
end

-- Revisions go on where a deleted namesake ended: a stale edit of that one must not fit this one.
local function newSchedule(id, shard)
  local grave = call('HMGET', P .. 't:' .. id, 'rev', 'hw')
  local mark = grave[2] or ''
  call('DEL', P .. 't:' .. id)
  call('ZADD', P .. 'ids', 0, id)
  call('ZREM', P .. 'graves', id)
  call('ZREM', P .. 'tombstones', id)
  call('HSET', P .. 'd:' .. id, 'at', nowText)
  return { id = id, rev = grave[1] or '0', st = '', ft = '', due = '', tz = '', hw = mark, ix = mark, n = '0', f = '0', cr = '',
    ar = '', sh = shard, sx = '', was = { '', '', '' } }
end

local function define(id, item)
  local key = P .. 'd:' .. id
  call('HSET', key, 'def', item[2], 'task', item[3], 'up', nowText, 'policy', cjson.encode(item[11]))
  for name, value in pairs({ why = item[4], pause = item[7], hist = item[8] }) do
    if value then
      call('HSET', key, name, value)
    else
      call('HDEL', key, name)
    end
  end
end

local function setTiming(s, timing, calendars)
  s.ft = timing and timing[1] or ''
  s.due = timing and timing[2] or ''
  s.tz = timing and timing[3] or ''
  s.sx = timing and timing[6] or ''
  s.cr = calendars and text(calendars[1]) or ''
  s.ar = timing and timing[4] or ''
  call(s.ar == '' and 'SREM' or 'SADD', P .. 'after-run', s.id)
  -- Without a fire time the trigger stays what it was, and with it what it refers to.
  if timing then refer(s.id, calendars and { unpack(calendars, 2) }) end
end

local function put(item)
  local id, state, timing = item[1], item[5], item[9]
  local s = loadSchedule(id)
  if (s and tonumber(s.rev) or 0) ~= item[6] then return { 'conflict', scheduleRow(id) } end
  local calendars = timing and timing ~= 'keep' and timing[5]
  if calendars then
    local missing = missingNames(calendars)
    local revision = tonumber(call('GET', P .. 'calendars-revision') or '0')
    if #missing > 0 or revision ~= calendars[1] then return { 'calendars', missing } end
  end

  local outcome = s and 'updated' or 'created'
  s = s or newSchedule(id, item[10])
  local st = s.st
  if timing ~= 'keep' then recordDropped(s, timing) end
  define(id, item)
  s.rev = text(tonumber(s.rev) + 1)
  -- A schedule that someone sets going again has a clean record.
  if state == 'active' and st ~= 'active' then
    s.f = '0'
    call('SREM', P .. 'failing', id)
  end
  s.st = state
  if timing ~= 'keep' then setTiming(s, timing, calendars) end
  saveSchedule(s)
  if s.ar ~= '' then timeAfterRun(id) end
  -- Whoever sleeps looks again within half a second by itself.
  if s.due ~= '' and tonumber(s.due) < now + 1000 then hints.due = true end
  return { outcome, id }
end

whenThereIsRoom()
local answers = {}
for i, item in ipairs(args.items) do answers[i] = put(item) end
conclude()
for _, answer in ipairs(answers) do
  if answer[1] == 'created' or answer[1] == 'updated' then answer[2] = scheduleRow(answer[2]) end
end
publish()
return answers
