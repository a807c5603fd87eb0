-- A run is r:ID, one text, with ID = SCHEDULE@MEMBER and MEMBER = FIRETIME or FIRETIME.REQUEST:
--   status|fence|ended|session|attempt|task|number|group|due|before|queue|started|kind|priority|delivery|cancel|recoveries|bytes|
--   node
-- with nothing between the bars for what is not, or is as usual: the group `default`, a scheduled run, the priority 0,
-- delivery at least once. A number rises with each run, and is the time of creation in µs. The queue of one that waits is
-- ready, delayed or blocked. A session is its short number. What was `before` it: see lib/history.lua. The node comes last, for
-- it may be any text.
-- x:ID has its texts, where there are any: spec, error, result, progress, missed, and `stretched`, the interval that led to
-- its fire time where load had stretched it. a:ID lists its past attempts, l:ID its log. Where it is found:
--   h:SCHEDULE    the history of its schedule, members by fire time; see lib/history.lua
--   o:SCHEDULE    how many are open;  b:SCHEDULE  members of those that are blocked, by fire time
--   blocked       the schedules that have blocked runs
--   m:SCHEDULE    member by request id, of runs asked for by hand
--   task:TASK     all runs of a task by number;  tasks  the tasks there are
--   end:STATUS    those that ended in any way but success, by number
--   waiting       pending and retrying ones by number;  `count` counts both
--   ready:TASK/GROUP  by priority, due time and number;  queues  those of them that are not empty
--   delayed       by due time
--   held:SESSION  those that it holds;  running  how many of each task are held

local RUN = '^' .. string.rep('([^|]*)|', 18) .. '(.*)$'

local function runIdOf(schedule, member)
  return schedule .. '@' .. member
end

local function splitId(id)
  local split = string.find(id, '@', 1, true)
  return string.sub(id, 1, split - 1), string.sub(id, split + 1)
end

local runs = {}

-- nil when there is none. What is absent is an empty text. Whoever changes it calls `saveRun`.
local function loadRun(id)
  local r = runs[id]
  if r then return r end
  local packed = get(P .. 'r:' .. id)
  if not packed then return nil end
  local st, fe, en, ses, at, task, no, g, due, before, q, sa, kind, pr, dl, cx, rec, lb, node = string.match(packed, RUN)
  r = { id = id, no = no, task = task, g = g, due = due, st = st, q = q, at = at, fe = fe, sa = sa, en = en, ses = ses,
    kind = kind, pr = pr, dl = dl, cx = cx, rec = rec, lb = lb, node = node, before = before }
  r.schedule, r.member = splitId(id)
  runs[id] = r
  return r
end

local saveRun = savedAtEnd(runs, function(r)
  set(P .. 'r:' .. r.id, r.st .. '|' .. r.fe .. '|' .. r.en .. '|' .. r.ses .. '|' .. r.at .. '|' .. r.task .. '|' .. r.no .. '|'
    .. r.g .. '|' .. r.due .. '|' .. r.before .. '|' .. r.q .. '|' .. r.sa .. '|' .. r.kind .. '|' .. r.pr .. '|' .. r.dl .. '|' .. r.cx .. '|'
    .. r.rec .. '|' .. r.lb .. '|' .. r.node)
end)

local function groupOf(r)
  return r.g == '' and 'default' or r.g
end

local PRIORITY_STEP = 4398046511104 -- 2^42: above any time in milliseconds
local function readyScore(r)
  return text(-(tonumber(r.pr) or 0) * PRIORITY_STEP + tonumber(r.due))
end

local function enqueueReady(r)
  local queue = r.task .. '/' .. groupOf(r)
  r.q = 'ready'
  call('ZADD', P .. 'ready:' .. queue, readyScore(r), r.no .. '|' .. r.id)
  call('SADD', P .. 'queues', queue)
  hints.ready = true
end

-- What the runs of a schedule have alike, as it is written in each of them.
local function termsOf(task, spec, delivery, priority, group, kind)
  return { task = task, spec = spec, g = group == 'default' and '' or group, group = group, priority = priority,
    pr = priority == 0 and '' or text(priority), dl = delivery == 'atLeastOnce' and '' or delivery,
    kind = kind == 'scheduled' and '' or kind }
end

-- A run that did not exist, in no queue yet; `stretched` is false, or the interval that led to it.
local function newRun(schedule, member, due, terms, stretched)
  local no = nextNumber()
  local id = runIdOf(schedule, member)
  local r = { id = id, schedule = schedule, member = member, no = no, task = terms.task, g = terms.g, due = due, st = 'pending',
    q = '', at = '0', fe = '0', sa = '', en = '', ses = '', kind = terms.kind, pr = terms.pr, dl = terms.dl, cx = '', rec = '',
    lb = '', node = '', before = '' }
  collect('ZADD', P .. 'task:' .. terms.task, no, id)
  collectOnce('SADD', P .. 'tasks', terms.task)
  if terms.spec then call('HSET', P .. 'x:' .. id, 'spec', terms.spec) end
  if stretched then call('HSET', P .. 'x:' .. id, 'stretched', stretched) end
  saveRun(r)
  return r
end

local function await(r, status)
  r.st = status
  call('ZADD', P .. 'waiting', r.no, r.id)
  add('count', status, 1)
  saveRun(r)
end

-- Waits for the runs of its schedule before it.
local function block(r, fireTime)
  r.q = 'blocked'
  call('ZADD', P .. 'b:' .. r.schedule, fireTime, r.member)
  call('SADD', P .. 'blocked', r.schedule)
end

local function hold(r, session, node, fence)
  r.st, r.q, r.ses, r.node, r.fe, r.sa = 'running', '', session, node, fence, nowText
  r.at = r.at == '0' and '1' or text(tonumber(r.at) + 1)
  collect('SADD', P .. 'held:' .. session, r.id)
  add('running', r.task, 1)
  saveRun(r)
end

-- A record of a fire time that never starts.
local function recordAs(r, status, reason, missed)
  r.st, r.en = status, nowText
  call('HSET', P .. 'x:' .. r.id, 'error', reason)
  if missed then call('HSET', P .. 'x:' .. r.id, 'missed', missed) end
  call('ZADD', P .. 'end:' .. status, r.no, r.id)
end

-- A run that waited elsewhere may be leased from now on.
local function makeReady(id)
  local r = loadRun(id)
  enqueueReady(r)
  saveRun(r)
end

local function leaveBlocked(schedule, member)
  call('ZREM', P .. 'b:' .. schedule, member)
  if call('EXISTS', P .. 'b:' .. schedule) == 0 then call('SREM', P .. 'blocked', schedule) end
end

-- Takes a run out of wherever it waits or is held.
local function leaveQueue(r)
  if r.st == 'running' then
    collect('SREM', P .. 'held:' .. r.ses, r.id)
    add('running', r.task, -1)
    return
  end
  if r.q == 'ready' then
    local queue = r.task .. '/' .. groupOf(r)
    call('ZREM', P .. 'ready:' .. queue, r.no .. '|' .. r.id)
    if call('EXISTS', P .. 'ready:' .. queue) == 0 then call('SREM', P .. 'queues', queue) end
  elseif r.q == 'delayed' then
    call('ZREM', P .. 'delayed', r.id)
  elseif r.q == 'blocked' then
    leaveBlocked(r.schedule, r.member)
  end
  r.q = ''
  call('ZREM', P .. 'waiting', r.id)
  add('count', r.st, -1)
end

local function isOpen(r)
  return r.st == 'running' or r.q ~= ''
end
