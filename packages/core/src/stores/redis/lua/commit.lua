-- Turns plans into runs, and leases what may start at once.
-- args     { decisions, terms = { { task, spec or false, overlap, delivery, priority, group, tz }… }, dispatch or false }
--            A decision is { schedule, revision, fireTime, due, number of its terms, nextFireTime, nextDue, stretched or '', more }:
--            the stored fire time becomes a run, and another follows. Where that is not so, `more` says what is instead:
--            { runs = { fireTime, due … }, stretched = { per run, or '' … }, missed = { to, range, reason } or false,
--            next = 'afterRun', 'none' or 'given', calendars = their revision or -1, isPlain: there are runs, another follows,
--            and all else is as usual }. Those of higher priority come first.
-- returns  { committed = '0' and '1' per decision, { decision, run, … } of what was leased (counted from 1), now, ids of
--            runs leased to this request before, waiting, ids of skipped, ids of missed }
-- errors   SESSION_EXPIRED, NOT_REJOINED
-- include  says schedules runs history endings open-runs leasing server
local refused = refusal()
if refused then return refused end
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
local allTerms = {}
for i, t in ipairs(args.terms) do
  local terms = termsOf(t[1], t[2], t[4], t[5], t[6], 'scheduled')
  terms.overlap, terms.tz = t[3], t[7]
  if self then
    -- The text of a run that begins at once, around its number and due time; see lib/runs.lua.
    terms.head = 'running|' .. nowText .. '000||' .. self.session .. '|1|' .. terms.task .. '|'
    terms.tail = '||' .. nowText .. '|' .. terms.kind .. '|' .. terms.pr .. '|' .. terms.dl .. '||||' .. dispatch.node
    terms.list = collected('ZADD', P .. 'task:' .. terms.task)
    terms.started = 0
    collectOnce('SADD', P .. 'tasks', terms.task)
  end
  allTerms[i] = terms
end

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

local function fire(id, index, fireIndex, fireTime, due, stretched, terms)
  if not remember(id, fireTime, fireTime) then return end
  local answer = verdict(id, terms.overlap)
  local r = newRun(id, fireTime, due, terms, stretched ~= '' and stretched)
  if answer == 'skipped' then
    recordAs(r, 'skipped', SAYS.overlap)
    skipped[#skipped + 1] = r.id
    return
  end
  countOpen(id, 1)
  if answer == 'free' and self and mayTakeNew(dispatch, self, terms.task, terms.group, terms.priority) then
    hold(r, self.session, dispatch.node, nowText .. '000')
    take(self, terms.task, r.id)
    claimed[#claimed + 1] = index
    claimed[#claimed + 1] = fireIndex
    return
  end
  await(r, 'pending')
  if answer == 'blocked' then block(r, fireTime) else enqueueReady(r) end
  waiting = waiting + 1
end

-- The usual: the stored fire time becomes a run.
local function fireStored(s, d, index, terms)
  local mark = tonumber(s.hw)
  if mark and tonumber(d[3]) <= mark then return end
  raiseMark(s, d[3])
  s.n = text(tonumber(s.n) + 1)
  fire(s.id, index, 1, d[3], d[4], '', terms)
end

local function fireMore(s, more, index, terms)
  settle({ s })
  local runs, gone = more.runs, more.missed
  local mark = tonumber(s.hw) or -math.huge
  local reached = mark
  if gone then
    if tonumber(gone[1]) > reached then
      raiseMark(s, gone[1])
      reached = tonumber(gone[1])
    end
    if remember(s.id, gone[1], gone[1]) then
      local r = newRun(s.id, gone[1], gone[1], terms, false)
      recordAs(r, 'missed', gone[3], gone[2])
      missed[#missed + 1] = r.id
    end
  end
  local fresh = 0
  for i = 1, #runs, 2 do
    local at = tonumber(runs[i])
    if at > mark then
      fresh = fresh + 1
      if at > reached then
        reached = at
        raiseMark(s, runs[i])
      end
      fire(s.id, index, (i + 1) / 2, runs[i], runs[i + 1], more.stretched[(i + 1) / 2], terms)
    end
  end
  s.n = text(tonumber(s.n) + fresh)
end

local function carryOut(d, index)
  local id, more = d[1], d[9]
  local s = loadSchedule(id)
  -- The compare-and-set: the schedule is as the decision saw it, and it is time.
  if not s or s.rev ~= d[2] or s.ft ~= d[3] or s.st ~= 'active' or tonumber(s.due) > now then return false end
  local calendars = more and more.calendars or -1
  if calendars >= 0 then
    calendarsRevision = calendarsRevision or tonumber(call('GET', P .. 'calendars-revision') or '0')
    if calendarsRevision ~= calendars then return false end
  end
  local next = more and more.next or 'given'
  if next == 'given' and tonumber(d[6]) <= tonumber(d[3]) then return false end

  local terms = allTerms[d[5]]
  s.cr = calendars >= 0 and text(calendars) or ''
  if next == 'given' then
    s.ft, s.due, s.sx, s.tz = d[6], d[7], d[8], terms.tz
  else
    s.ft, s.due, s.sx, s.tz = '', '', '', next == 'none' and '' or terms.tz
  end
  if next == 'none' then
    s.st = 'finished'
    if s.ar ~= '' then
      s.ar = ''
      call('SREM', P .. 'after-run', id)
    end
  end
  saveSchedule(s)
  if more then fireMore(s, more, index, terms) else fireStored(s, d, index, terms) end
  if next == 'afterRun' then timeAfterRun(id) end
  return true
end

-- A record of its own for each schedule and run costs more than all else here. Nearly every fire is the usual one, or one
-- of several that are made up for, of a schedule that nothing holds up, on a node that takes it at once: such a one goes
-- from text to text.
local held = self and collected('SADD', P .. 'held:' .. self.session)
local dueLists = {}
local USUAL = '^(%d+)|(%-?%d*)|(%d+)|(%d+)|(%d+)||||(%-?%d*)$'

-- Whether there are slots for so many more runs of a task.
local function hasRoomFor(terms, count)
  return mayTakeNew(dispatch, self, terms.task, terms.group, terms.priority)
    and (count == 1 or (self.slots >= count and self.rooms[terms.task] >= count))
end

local function beginAtOnce(runId, due, before, terms)
  local no = nextNumber()
  set(P .. 'r:' .. runId, terms.head .. no .. '|' .. terms.g .. '|' .. due .. '|' .. before .. terms.tail)
  local list = terms.list
  list[#list + 1] = no
  list[#list + 1] = runId
  if terms.spec then call('HSET', P .. 'x:' .. runId, 'spec', terms.spec) end
  held[#held + 1] = runId
  take(self, terms.task, runId)
end

local function fireAtOnce(d, index)
  local id, terms, more = d[1], allTerms[d[5]], d[9]
  local key = P .. 's:' .. id
  local packed = texts[key]
  if (more and not more.isPlain) or d[8] ~= '' or not packed or schedules[id] then return false end
  local asSeen = d[2] .. '|active|' .. d[3] .. '|' .. terms.tz .. '|'
  if string.sub(packed, 1, #asSeen) ~= asSeen then return false end
  local due, mark, fires, failures, shard, settled = string.match(packed, USUAL, #asSeen + 1)
  if not due or tonumber(due) > now then return false end
  local runs = more and more.runs or { d[3], d[4] }
  local count = #runs / 2
  if terms.overlap ~= 'allow' and (count > 1 or openOf(id) > 0) then return false end
  if not hasRoomFor(terms, count) then return false end
  local reached = tonumber(mark) or -math.huge
  for i = 1, #runs, 2 do
    local fireAt = tonumber(runs[i])
    if fireAt <= reached or get(P .. 'r:' .. id .. '@' .. runs[i]) then return false end
    reached = fireAt
  end
  if tonumber(d[6]) <= reached then return false end

  set(key, d[2] .. '|active|' .. d[6] .. '|' .. terms.tz .. '|' .. d[7] .. '|' .. runs[#runs - 1] .. '|'
    .. text(tonumber(fires) + count) .. '|' .. failures .. '|' .. shard .. '||||' .. settled)
  local dueList = dueLists[shard]
  if not dueList then
    dueList = collected('ZADD', P .. 'due:' .. shard)
    dueLists[shard] = dueList
  end
  dueList[#dueList + 1] = d[7]
  dueList[#dueList + 1] = id
  for i = 1, #runs, 2 do
    beginAtOnce(id .. '@' .. runs[i], runs[i + 1], mark, terms)
    mark = runs[i]
    claimed[#claimed + 1] = index
    claimed[#claimed + 1] = (i + 1) / 2
  end
  terms.started = terms.started + count
  countOpen(id, count)
  return true
end

local keys = {}
for _, d in ipairs(args.decisions) do
  keys[#keys + 1] = P .. 's:' .. d[1]
  keys[#keys + 1] = P .. 'o:' .. d[1]
  if d[9] and d[9].isPlain then
    for i = 1, #d[9].runs, 2 do keys[#keys + 1] = P .. 'r:' .. d[1] .. '@' .. d[9].runs[i] end
  else
    keys[#keys + 1] = P .. 'r:' .. d[1] .. '@' .. d[3]
  end
end
fetch(keys)
for index, d in ipairs(args.decisions) do
  committed[index] = (self and fireAtOnce(d, index) or carryOut(d, index)) and '1' or '0'
end
for _, terms in ipairs(allTerms) do
  if self then add('running', terms.task, terms.started) end
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
