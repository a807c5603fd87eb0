-- Deletes old history, going round the schedules, those deleted last; and what is over by now.
-- args     { defaults = { maxRuns, maxAgeMs, maxFailureAgeMs }, limit, position = { set, after, kept }, atOnce, listedForMs }
-- returns  { deleted, set, after, kept }: where to go on, with set = '' when the round is complete. A history of which much is
--            kept is gone through in several steps: `kept` are the runs that have been looked at of the next one.
-- include  schedules runs history locks
evenWhenFull()
local LOOKED_AT_ONCE = 200
local LOOKED_AT_MOST = 1000
local SETTLED_AT_ONCE = 20
local deleted, looked = 0, 0
local tasks = {}

local function remove(schedule, member, r)
  local id = r.id
  call('DEL', P .. 'r:' .. id, P .. 'x:' .. id, P .. 'a:' .. id, P .. 'l:' .. id)
  call('ZREM', P .. 'h:' .. schedule, member)
  collect('ZREM', P .. 'task:' .. r.task, id)
  tasks[r.task] = true
  if r.st ~= 'succeeded' then call('ZREM', P .. 'end:' .. r.st, id) end
  if r.kind == 'manual' then call('HDEL', P .. 'm:' .. schedule, string.match(member, '%.(.*)$')) end
  deleted = deleted + 1
end

-- Answers how many runs it kept where it had to stop before the end, else nil.
local function pruneOne(schedule, isDeleted, kept)
  local key = P .. 'h:' .. schedule
  local own = call('HGET', P .. 'd:' .. schedule, 'hist')
  local rule = args.defaults
  if own then
    local given = cjson.decode(own)
    rule = {}
    for name, value in pairs(args.defaults) do rule[name] = given[name] or value end
  end
  local newest = call('ZREVRANGE', key, 0, 0)[1]
  if not newest then return nil end
  local beyond = tonumber(call('ZREVRANGE', key, rule.maxRuns, rule.maxRuns, 'WITHSCORES')[2]) or -math.huge
  local ageEnd, failureEnd = now - rule.maxAgeMs, now - rule.maxFailureAgeMs
  -- A run does not end before its fire time, so nothing younger than every bound need be looked at.
  local bound = math.max(beyond, ageEnd, failureEnd)
  if bound == -math.huge then return nil end
  while deleted < args.limit do
    if looked >= LOOKED_AT_MOST then return kept end
    local found = call('ZRANGEBYSCORE', key, '-inf', text(bound), 'WITHSCORES', 'LIMIT', kept, LOOKED_AT_ONCE)
    looked = looked + #found / 2
    local keys = {}
    for i = 1, #found, 2 do keys[#keys + 1] = P .. 'r:' .. runIdOf(schedule, found[i]) end
    fetch(keys)
    for i = 1, #found, 2 do
      if deleted >= args.limit then return kept end
      local member, fireTime = found[i], tonumber(found[i + 1])
      local r = loadRun(runIdOf(schedule, member))
      local ended = tonumber(r.en)
      local isFailure = r.st == 'failed' or r.st == 'lost'
      if not isOpen(r) and (isDeleted or member ~= newest)
        and (ended <= failureEnd or (not isFailure and (fireTime <= beyond or ended <= ageEnd))) then
        remove(schedule, member, r)
      else
        kept = kept + 1
      end
    end
    if #found < 2 * LOOKED_AT_ONCE then return nil end
  end
  return kept
end

-- Completes their histories; answers how many runs that took.
local function settleAll(ids)
  local keys, those = {}, {}
  for i, id in ipairs(ids) do keys[i] = P .. 's:' .. id end
  fetch(keys)
  for i, id in ipairs(ids) do those[i] = loadSchedule(id) end
  return settle(those)
end

local set, after, kept = args.position[1], args.position[2], args.position[3]
local room = args.atOnce
local stopped = nil
local settled = 0
while set ~= '' and room > 0 and not stopped and deleted < args.limit and settled < LOOKED_AT_MOST do
  local wanted = math.min(room, SETTLED_AT_ONCE)
  local ids = call('ZRANGEBYLEX', P .. set, after == '' and '-' or '(' .. after, '+', 'LIMIT', 0, wanted)
  if set == 'ids' then settled = settled + settleAll(ids) end
  for _, id in ipairs(ids) do
    stopped = pruneOne(id, set == 'graves', kept)
    kept = stopped or 0
    if stopped or deleted >= args.limit then break end
    if set == 'graves' and call('EXISTS', P .. 'h:' .. id) == 0 then
      call('ZREM', P .. 'graves', id)
      call('DEL', P .. 'o:' .. id)
    end
    after = id
  end
  if not stopped and deleted < args.limit and #ids < wanted then
    set, after = set == 'ids' and 'graves' or '', ''
  end
  room = room - #ids
end
for _, session in ipairs(call('ZRANGEBYSCORE', P .. 'sessions', '-inf', text(now - args.listedForMs), 'LIMIT', 0, 100)) do
  if call('EXISTS', P .. 'held:' .. call('HGET', P .. 'sess:' .. session, 'number')) == 0 then
    call('ZREM', P .. 'sessions', session)
    call('DEL', P .. 'sess:' .. session)
  end
end
call('ZREMRANGEBYSCORE', P .. 'tombstones', '-inf', nowText)
for _, name in ipairs(call('ZRANGEBYSCORE', P .. 'locks', '-inf', nowText, 'LIMIT', 0, 100)) do forget(name) end
if deleted > 0 or settled > 0 then
  conclude()
  for task in pairs(tasks) do
    if call('EXISTS', P .. 'task:' .. task) == 0 then call('SREM', P .. 'tasks', task) end
  end
end
return { deleted, set, after, kept }
