-- Turns plans into runs, and leases what may start at once.
-- args     { decisions = { { id, revision, fireTime, runs, missed, next, tz, calendars, task, spec, overlap, delivery,
--            priority, group, stretches }… }, dispatch or false }
--            runs = { fireTime, due, … }; missed = { to, range, reason } or false; next = { fireTime, due, stretched or
--            '' }, 'afterRun' or false; calendars = their revision or -1; spec = text or false; stretches = one per run, ''
--            for none, or false. Those of higher priority come first.
-- returns  { committed = '0' and '1' per decision, { decision, run, … } of what was leased (counted from 1), now, ids of
--            runs leased to this request before, waiting, ids of skipped, ids of missed }
-- errors   SESSION_EXPIRED, NOT_REJOINED
-- include  says schedules runs endings leasing server
if not isAgreedOn(runningServer()) then return notAgreedOn() end
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

-- Of a run that would be the first open one of its schedule there is nothing to decide.
local function verdict(schedule, overlap)
  if overlap == 'allow' or openOf(schedule) == 0 then return 'free' end
  if overlap == 'bufferAll' then return 'blocked' end
  if overlap == 'bufferOne' then
    return call('EXISTS', P .. 'b:' .. schedule) == 0 and 'blocked' or 'skipped'
  end
  if overlap == 'cancelOther' then return cancelAllOf(schedule, SAYS.replaced) and 'blocked' or 'free' end
  return 'skipped'
end

local function fire(d, index, fireIndex, about)
  local id, fireTime, due = d[1], d[4][fireIndex * 2 - 1], d[4][fireIndex * 2]
  if not remember(id, fireTime, fireTime) then return end
  local answer = verdict(id, d[11])
  local r = newRun(id, fireTime, due, about)
  if answer == 'skipped' then
    recordAs(r, 'skipped', SAYS.overlap)
    skipped[#skipped + 1] = r.id
    return
  end
  countOpen(id, 1)
  if answer == 'free' and self and mayTakeNew(dispatch, self, about.task, about.group, about.priority) then
    hold(r, self.session, dispatch.node, now * 1000)
    take(self, about.task, r.id)
    claimed[#claimed + 1] = index
    claimed[#claimed + 1] = fireIndex
    return
  end
  await(r, 'pending')
  if answer == 'blocked' then block(r, fireTime) else enqueueReady(r) end
  waiting = waiting + 1
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
      fresh[#fresh + 1] = (i + 1) / 2
      if at > reached then reached = at end
    end
  end
  local missedTo = d[5] and tonumber(d[5][1])
  if missedTo and missedTo > reached then reached = missedTo end

  if #fresh > 0 then s.n = text(tonumber(s.n) + #fresh) end
  if reached ~= mark then s.hw = text(reached) end
  s.ft = following and next[1] or ''
  s.due = following and next[2] or ''
  s.sx = following and next[3] or ''
  s.tz = next and d[7] or ''
  if not next then
    s.st = 'finished'
    if s.ar ~= '' then
      s.ar = ''
      call('SREM', P .. 'after-run', id)
    end
  end
  saveSchedule(s)

  local about = { task = d[9], spec = d[10], delivery = d[12], priority = d[13], group = d[14], kind = 'scheduled' }
  if d[5] and remember(id, d[5][1], d[5][1]) then
    local r = newRun(id, d[5][1], d[5][1], about)
    recordAs(r, 'missed', d[5][3], d[5][2])
    missed[#missed + 1] = r.id
  end
  for _, fireIndex in ipairs(fresh) do
    local stretched = d[15] and d[15][fireIndex]
    about.stretched = stretched ~= '' and stretched
    fire(d, index, fireIndex, about)
  end
  if next == 'afterRun' then timeAfterRun(id) end
  return true
end

local keys = {}
for _, d in ipairs(args.decisions) do
  keys[#keys + 1] = P .. 's:' .. d[1]
  keys[#keys + 1] = P .. 'o:' .. d[1]
end
fetch(keys)
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
