-- Turns plans into runs, and leases what may start at once.
-- args     { decisions = { { id, revision, fireTime, runs, missed, next, tz, calendars, task, spec, overlap, delivery,
--            priority, group }… }, dispatch or false }
--            runs = { fireTime, due, … }; missed = { to, range, reason } or false; next = { fireTime, due }, 'afterRun' or
--            false; calendars = their revision or -1; spec = text or false. Those of higher priority come first.
-- returns  { committed = '0' and '1' per decision, { decision, run, … } of what was leased (counted from 1), now, ids of
--            runs leased to this request before, waiting, ids of skipped, ids of missed }
-- errors   SESSION_EXPIRED
-- include  says schedules runs endings leasing
local dispatch = args.dispatch
local self = nil
if dispatch then
  self = leasing(dispatch)
  if not self then return expired(dispatch) end
end

whenThereIsRoom()
local committed, claimed, skipped, missed = {}, {}, {}, {}
local waiting = 0
local calendarsRevision = nil
local lease = self and leaseText('1', now * 1000, self.session, dispatch.node)

-- Of a run that would be the first open one of its schedule there is nothing to decide.
local function verdict(schedule, overlap)
  if overlap == 'allow' or call('INCR', P .. 'o:' .. schedule) == 1 then return 'free' end
  if overlap == 'bufferAll' then return 'blocked' end
  if overlap == 'bufferOne' and call('EXISTS', P .. 'b:' .. schedule) == 0 then return 'blocked' end
  call('DECR', P .. 'o:' .. schedule)
  if overlap ~= 'cancelOther' then return 'skipped' end
  local running = cancelAllOf(schedule, SAYS.replaced)
  call('INCR', P .. 'o:' .. schedule)
  return running and 'blocked' or 'free'
end

local function fire(d, index, run, fireIndex)
  if not remember(run) then return end
  local overlap = d[11]
  local answer = verdict(run.schedule, overlap)
  if overlap == 'allow' then call('INCR', P .. 'o:' .. run.schedule) end
  if answer == 'free' and self and mayTakeNew(dispatch, self, run.task, run.group, run.priority) then
    createHeld(run, self.session, lease)
    take(self, run.task, run.id)
    claimed[#claimed + 1] = index
    claimed[#claimed + 1] = fireIndex
  elseif answer == 'skipped' then
    createRecord(run, 'skipped', SAYS.overlap)
    skipped[#skipped + 1] = run.id
  else
    createWaiting(run, answer == 'blocked' and 'blocked' or 'ready')
    waiting = waiting + 1
  end
end

local function carryOut(d, index)
  local id, runs, next = d[1], d[4], d[6]
  local s = loadSchedule(id)
  -- The compare-and-set: the schedule is as the decision saw it, and it is time.
  if not s or s.rev ~= d[2] or s.ft ~= d[3] or s.st ~= 'active' or tonumber(s.due) > now then return false end
  if d[8] >= 0 then
    calendarsRevision = calendarsRevision or tonumber(call('GET', P .. 'calendars-revision') or '0')
    if calendarsRevision ~= d[8] then return false end
    s.cr = text(d[8])
  else
    s.cr = ''
  end
  local following = type(next) == 'table'
  if following and tonumber(next[1]) <= tonumber(d[3]) then return false end

  local mark = tonumber(s.hw) or -math.huge
  local reached = mark
  local fresh = {}
  for i = 1, #runs, 2 do
    local at = tonumber(runs[i])
    if at > mark then
      fresh[#fresh + 1] = i
      if at > reached then reached = at end
    end
  end
  local missedTo = d[5] and tonumber(d[5][1])
  if missedTo and missedTo > reached then reached = missedTo end

  local due, tz = s.due, s.tz
  if #fresh > 0 then s.n = text(tonumber(s.n) + #fresh) end
  if reached ~= mark then s.hw = text(reached) end
  s.ft = following and next[1] or ''
  s.due = following and next[2] or ''
  s.tz = next and d[7] or ''
  if not next then
    s.st = 'finished'
    if s.ar ~= '' then
      s.ar = ''
      call('SREM', P .. 'after-run', id)
    end
  end
  saveSchedule(s, 'active', due, tz)

  local run = { schedule = id, task = d[9], spec = d[10], delivery = d[12], priority = d[13], group = d[14] }
  if d[5] then
    run.member, run.fireTime, run.due = d[5][1], d[5][1], d[5][1]
    run.id = runIdOf(id, run.member)
    if remember(run) then
      createRecord(run, 'missed', d[5][3], d[5][2])
      missed[#missed + 1] = run.id
    end
  end
  for _, i in ipairs(fresh) do
    run.member, run.fireTime, run.due = runs[i], runs[i], runs[i + 1]
    run.id = runIdOf(id, run.member)
    fire(d, index, run, (i + 1) / 2)
  end
  if next == 'afterRun' then timeAfterRun(id) end
  return true
end

for index, d in ipairs(args.decisions) do
  committed[index] = carryOut(d, index) and '1' or '0'
end
local repeated = {}
if self then
  rememberLeased(dispatch, self)
  for i, id in ipairs(self.repeated or {}) do repeated[i] = leased(id) end
end
conclude()
-- Whoever fired looks for its own waiting runs itself.
publish()
return { table.concat(committed), claimed, nowText, repeated, waiting, skipped, missed }
