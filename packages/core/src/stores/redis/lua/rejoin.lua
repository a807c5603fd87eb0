-- A node tells a server that is new to the store what it saw there before, so that lost writes do no harm: fire times that
-- became runs do not become runs again, runs that wait are not forgotten, and what it runs, or has run, is not leased to
-- another. What must not be decided before all have told theirs is kept until then, in `lost-marks` and `lost-waiting`.
-- args     { session or false, marks = { schedule, fireTime … }, runs = { { id, fence, task, kind, said, delay, spec or false,
--            delivery, due }… }, isAll, settleMs, node }
--            kind: `waiting` (said: its overlap), `running`, or how its attempt ended (said, delay: see finish.lua);
--            isAll: nothing more follows
-- returns  { whether the store may go on, how many marks and runs had been lost, run id of the server }
-- include  says schedules runs history endings server
evenWhenFull()
local lost = 0
local number = args.session and call('HGET', P .. 'sess:' .. args.session, 'number')
local keys = {}
for i = 1, #args.marks, 2 do keys[#keys + 1] = P .. 's:' .. args.marks[i] end
for _, run in ipairs(args.runs) do
  keys[#keys + 1] = P .. 'r:' .. run[1]
  keys[#keys + 1] = P .. 's:' .. splitId(run[1])
end
fetch(keys)

local function markOf(s)
  return tonumber(s.hw) or -math.huge
end

-- A run of which nothing is left but what the node says.
local function bornAgain(id, task, spec, delivery, due)
  local schedule, member = splitId(id)
  local fireTime = string.match(member, '^%-?%d+')
  remember(schedule, member, fireTime)
  if not loadSchedule(schedule) then call('ZADD', P .. 'graves', 0, schedule) end
  local kind = member == fireTime and 'scheduled' or 'manual'
  local policy = call('HGET', P .. 'd:' .. schedule, 'policy')
  local _, priority, group = unpack(policy and cjson.decode(policy) or { delivery, 0, 'default' })
  countOpen(schedule, 1)
  return newRun(schedule, member, due, termsOf(task, spec, delivery, priority, group, kind), false)
end

-- Whether a run that is not there may have been there, and been pruned since. At or below the mark it was.
local function isPruned(id)
  local schedule, member = splitId(id)
  local s, fireTime = loadSchedule(schedule), tonumber(member)
  return not s or not fireTime or fireTime <= markOf(s)
end

local held = {}
local function restore(run)
  local id, fence, task, kind, said, delay, spec, delivery, due = unpack(run, 1, 9)
  local r = loadRun(id)
  if r and (tonumber(r.fe) > tonumber(fence) or not isOpen(r)) then return end
  if not r and kind ~= 'running' and isPruned(id) then return end
  if r and r.fe == fence then
    -- Leased before, and known; what may be lost is how that ended.
    if kind == 'running' or r.st ~= 'running' then return end
  elseif not number and kind == 'running' then
    return
  else
    if r then leaveQueue(r) else r = bornAgain(id, task, spec, delivery, due) end
    hold(r, number or '0', args.node, fence)
    held[#held + 1] = { r, r.ses }
  end
  if kind ~= 'running' then endAttempt(r, kind, said, delay) end
  lost = lost + 1
end

local function mayBeLost(run)
  local id = run[1]
  if loadRun(id) or isPruned(id) then return end
  lost = lost + call('HSETNX', P .. 'lost-waiting', id, cjson.encode(run))
end

for i = 1, #args.marks, 2 do
  local id, mark = args.marks[i], args.marks[i + 1]
  local s = loadSchedule(id)
  local other = call('HGET', P .. 'lost-marks', id)
  if s and tonumber(mark) > markOf(s) and (not other or tonumber(mark) > tonumber(other)) then
    call('HSET', P .. 'lost-marks', id, mark)
    lost = lost + 1
  end
end
for _, run in ipairs(args.runs) do
  if run[4] == 'waiting' then mayBeLost(run) else restore(run) end
end

local server = runningServer()
local agreed = isAgreedOn(server)
if not agreed and args.isAll then
  local coming = call('HMGET', KEYS[1], 'coming', 'since')
  if coming[1] ~= server then
    coming = { server, nowText }
    call('HSET', KEYS[1], 'coming', server, 'since', nowText)
    call('DEL', P .. 'rejoined')
  end
  if args.session then call('SADD', P .. 'rejoined', args.session) end
  local missing = false
  for _, session in ipairs(call('ZRANGEBYSCORE', P .. 'sessions', '(' .. nowText, '+inf')) do
    if call('SISMEMBER', P .. 'rejoined', session) == 0 then missing = true end
  end
  if not missing or now - tonumber(coming[2]) >= args.settleMs then
    agreed = true
    call('HSET', KEYS[1], 'server', server)
    call('HDEL', KEYS[1], 'coming', 'since')
    call('DEL', P .. 'rejoined')
    hints.due = true
    hints.ready = true
  end
end

-- What nobody knows more of than that it waited, waits again.
local function awaitAgain(run)
  local id, _, task, _, overlap, _, spec, delivery, due = unpack(run, 1, 9)
  local s = loadSchedule(splitId(id))
  if not s or loadRun(id) then return end
  local mustWait = overlap ~= 'allow' and openOf(s.id) > 0
  local r = bornAgain(id, task, spec, delivery, due)
  await(r, 'pending')
  if mustWait then block(r, string.match(r.member, '^%-?%d+')) else enqueueReady(r) end
end

if agreed then
  local waiting = {}
  for _, told in ipairs(call('HVALS', P .. 'lost-waiting')) do waiting[#waiting + 1] = cjson.decode(told) end
  table.sort(waiting, function(a, b) return a[1] < b[1] end)
  for _, run in ipairs(waiting) do awaitAgain(run) end
  local marks = call('HGETALL', P .. 'lost-marks')
  for i = 1, #marks, 2 do
    local s = loadSchedule(marks[i])
    if s and tonumber(marks[i + 1]) > markOf(s) then
      raiseMark(s, marks[i + 1])
      saveSchedule(s)
    end
  end
  call('DEL', P .. 'lost-waiting', P .. 'lost-marks')
end
conclude()
-- Held and let go in one step: what counts is how it is now.
for _, run in ipairs(held) do
  call(run[1].st == 'running' and 'SADD' or 'SREM', P .. 'held:' .. run[2], run[1].id)
end
publish()
return { agreed and 1 or 0, lost, server }
