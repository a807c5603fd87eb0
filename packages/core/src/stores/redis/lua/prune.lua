-- Deletes old history, going round the schedules, those deleted last; and what is over by now.
-- args     { defaults = { maxRuns, maxAgeMs, maxFailures, maxFailureAgeMs, maxSkipped }, limit,
--            position = { set, after, kept, rank, counted }, atOnce, listedForMs }
-- returns  { deleted, set, after, kept, rank, counted }: where to go on, with set = '' when the round is complete. A history is
--            gone through in several steps where it is long: first, if it has too many runs that never started, from the newest
--            on, where `rank` is the next place and `counted` are those that never started; then, with `rank` = DONE, from the
--            oldest on, where `kept` are the runs that have been looked at and stay, and `counted` those of them that are not
--            failures kept beyond the count and age of others.
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

local BEGIN, DONE = -2, -1
local rank, counted = args.position[4], args.position[5]

local function fetchRuns(schedule, members)
  local keys = {}
  for i, member in ipairs(members) do keys[i] = P .. 'r:' .. runIdOf(schedule, member) end
  fetch(keys)
end

-- Only from the newest on is known which are too many; what comes meanwhile stands behind where this has come to.
local function pruneUnstarted(schedule, isDeleted, key, newest, most)
  while rank ~= DONE and deleted < args.limit and looked < LOOKED_AT_MOST do
    local first = math.max(0, rank - LOOKED_AT_ONCE + 1)
    local members = call('ZRANGE', key, first, rank)
    looked = looked + #members
    fetchRuns(schedule, members)
    for i = #members, 1, -1 do
      if deleted >= args.limit then return end
      local r = loadRun(runIdOf(schedule, members[i]))
      rank = first + i - 2
      if r.st == 'skipped' or r.st == 'missed' then
        counted = counted + 1
        if counted > most and (isDeleted or members[i] ~= newest) then remove(schedule, members[i], r) end
      end
    end
    rank = first - 1
  end
end

-- Of a schedule that was not begun before: whether it has to be gone through for them.
local function hasTooManyUnstarted(rule)
  -- Where all runs together may not be more, it is no limit of its own.
  return rule.maxSkipped < rule.maxRuns
    and call('ZCARD', P .. 'end:skipped') + call('ZCARD', P .. 'end:missed') > rule.maxSkipped
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
  if rank == BEGIN then rank, counted = hasTooManyUnstarted(rule) and call('ZCARD', key) - 1 or DONE, 0 end
  if rank ~= DONE then
    pruneUnstarted(schedule, isDeleted, key, newest, rule.maxSkipped)
    if rank ~= DONE then return 0 end
    counted = 0
  end
  local beyond = tonumber(call('ZREVRANGE', key, rule.maxRuns, rule.maxRuns, 'WITHSCORES')[2]) or -math.huge
  local ageEnd, failureEnd = now - rule.maxAgeMs, now - rule.maxFailureAgeMs
  -- A run does not end before its fire time, so nothing younger than every bound need be looked at.
  local bound = math.max(beyond, ageEnd, failureEnd)
  if bound == -math.huge then return nil end
  -- Whether the rule lets it go, and whether it would if it were no failure.
  local function judge(member, fireTime)
    local r = loadRun(runIdOf(schedule, member))
    if isOpen(r) or (member == newest and not isDeleted) then return false, false, r end
    local ended = tonumber(r.en)
    local isOutlived = fireTime <= beyond or ended <= ageEnd
    if r.st ~= 'failed' and r.st ~= 'lost' then return isOutlived, false, r end
    return ended <= failureEnd, isOutlived, r
  end
  local function oldest(from)
    local found = call('ZRANGEBYSCORE', key, '-inf', text(bound), 'WITHSCORES', 'LIMIT', from, LOOKED_AT_ONCE)
    local members, fireTimes = {}, {}
    for i = 1, #found, 2 do
      members[#members + 1] = found[i]
      fireTimes[#fireTimes + 1] = tonumber(found[i + 1])
    end
    fetchRuns(schedule, members)
    looked = looked + #members
    return members, fireTimes
  end
  local atEnd = false
  while not atEnd do
    if looked >= LOOKED_AT_MOST then return kept end
    local members, fireTimes = oldest(kept)
    for i, member in ipairs(members) do
      if deleted >= args.limit then return kept end
      local isOld, isFailureKept, r = judge(member, fireTimes[i])
      if isOld then
        remove(schedule, member, r)
      else
        kept = kept + 1
        if not isFailureKept then counted = counted + 1 end
      end
    end
    atEnd = #members < LOOKED_AT_ONCE
  end
  -- What is left are failures, and few others; the oldest of those that are too many go.
  local others = 0
  while kept - counted > rule.maxFailures do
    local members, fireTimes = oldest(others)
    if #members == 0 then return nil end
    for i, member in ipairs(members) do
      if deleted >= args.limit then return kept end
      local _, isFailureKept, r = judge(member, fireTimes[i])
      if isFailureKept and kept - counted > rule.maxFailures then
        remove(schedule, member, r)
        kept = kept - 1
      else
        others = others + 1
      end
    end
  end
  return nil
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
    if not stopped then rank, counted = BEGIN, 0 end
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
return { deleted, set, after, kept, rank, counted }
