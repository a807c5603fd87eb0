-- A node tells a server that is new to the store what it saw there before, so that lost writes do no harm: fire times that
-- became runs do not become runs again, runs that wait are not forgotten, and what it runs, or has run, is not leased to
-- another. What must not be decided before all have told theirs is kept until then, in `lost-marks` and `lost-waiting`.
-- args     { sessions = { { session, leaseMs }… }, marks = { schedule, fireTime … }, runs = { { id, fence, task, kind, said, delay, spec or false,
--            delivery, due, place of its session }… }, isAll, settleMs, node }
--            sessions: those that the node had, the present one last;
--            kind: `waiting` (said: its overlap), `running`, `givenUp` with its session, or how its attempt ended (said,
--            delay: see finish.lua);  isAll: nothing more follows
-- returns  { whether the store may go on, how many marks and runs had been lost, run id of the server }
-- include  says schedules runs history endings sessions server
evenWhenFull()
local server = runningServer()
local agreed = isAgreedOn(server)
if not agreed then meet(server) end
local lost = 0

-- The short number of a session. It may have been lost, or its last renewals; one that was given up is restored as one that
-- is over, so that what it held is taken back.
local numbers = {}
local function numberOf(place)
  if not numbers[place] then
    local session, leaseMs = unpack(args.sessions[place])
    local known = call('HMGET', P .. 'sess:' .. session, 'until', 'number')
    local isAlive = known[1] and tonumber(known[1]) > now
    numbers[place] = not isAlive and renew(session, leaseMs, agreed) or known[2]
  end
  return numbers[place]
end
if #args.sessions > 0 then numberOf(#args.sessions) end
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
  local id, fence, task, kind, said, delay, spec, delivery, due, place = unpack(run, 1, 10)
  local isUnderWay = kind == 'running' or kind == 'givenUp'
  local r = loadRun(id)
  if r and (tonumber(r.fe) > tonumber(fence) or not isOpen(r)) then return end
  if not r and kind ~= 'running' and isPruned(id) then return end
  if r and r.fe == fence then
    -- Leased before, and known; what may be lost is how that ended.
    if isUnderWay or r.st ~= 'running' then return end
  else
    if r then leaveQueue(r) else r = bornAgain(id, task, spec, delivery, due) end
    hold(r, numberOf(place), args.node, fence)
    held[#held + 1] = { r, r.ses }
  end
  if not isUnderWay then endAttempt(r, kind, said, delay) end
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

if not agreed and args.isAll then
  for _, session in ipairs(args.sessions) do call('SADD', P .. 'rejoined', session[1]) end
  if not isAnyMissing() or now - tonumber(call('HGET', KEYS[1], 'since')) >= args.settleMs then
    agreed = true
    agreeOn(server)
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
