-- A node tells a server that is new to the store what it saw there before, so that lost writes do no harm: fire times that
-- became runs do not become runs again, and what it runs, or has run, is not leased to another.
-- args     { session or false, marks = { schedule, fireTime … }, runs = { { id, fence, task, outcome or '', reason }… }, settleMs,
--            node }
--            outcome: how its attempt ended, '' while it runs; reason: JSON
-- returns  { whether the store may go on, how many marks and runs had been lost }
-- include  says schedules runs endings server
evenWhenFull()
local restored = 0

for i = 1, #args.marks, 2 do
  local s = loadSchedule(args.marks[i])
  local mark = args.marks[i + 1]
  if s and (s.hw == '' or tonumber(s.hw) < tonumber(mark)) then
    s.hw = mark
    saveSchedule(s)
    restored = restored + 1
  end
end

local number = args.session and call('HGET', P .. 'sess:' .. args.session, 'number')

local function restore(id, fence, task, outcome, reason)
  local r = loadRun(id)
  if r and (tonumber(r.fe) >= tonumber(fence) or not isOpen(r)) then return end
  if not number and outcome == '' then return end
  if not r then
    local schedule, member = splitId(id)
    local fireTime = string.match(member, '^%-?%d+')
    remember(schedule, member, fireTime)
    local kind = member == fireTime and 'scheduled' or 'manual'
    r = newRun(schedule, member, fireTime, termsOf(task, false, 'atLeastOnce', 0, 'default', kind), false)
    countOpen(schedule, 1)
  else
    leaveQueue(r)
  end
  hold(r, number or '0', args.node, fence)
  if outcome == 'succeeded' then
    endRun(r, outcome, false, false)
  elseif outcome ~= '' then
    endRun(r, outcome, reason)
  end
  restored = restored + 1
end
for _, run in ipairs(args.runs) do restore(run[1], run[2], run[3], run[4], run[5]) end

local server = runningServer()
local agreed = isAgreedOn(server)
if not agreed then
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
conclude()
publish()
return { agreed and 1 or 0, restored }
