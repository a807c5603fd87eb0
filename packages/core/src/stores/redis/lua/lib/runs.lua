-- A run is the hash r:ID, with ID = SCHEDULE@MEMBER and MEMBER = FIRETIME or FIRETIME.REQUEST. A hash that stays small
-- is quick and takes little memory, so what nearly every run has alike is left out, and what never changes is one field:
--   i number|task|group|due (none: the group `default`; due at its fire time); a number is the time of creation in µs
--   l attempt|fence|started|session|node of the last lease (none: a fence of the start in µs)   st status   en ended
--   q queue of one that waits: ready, delayed, blocked   due (where it is not that of i)   kind (none: scheduled)
--   pr priority (none: 0)   dl delivery (none: at least once)   cx cancel requested   rec recoveries   lb log bytes
-- No value of a usual run is longer than 64 bytes, so that the hash keeps its compact form. A session has a short number.
-- x:ID has its texts, where there are any: spec, error, result, progress, missed. a:ID lists its past attempts, l:ID its
-- log. Where it is found:
--   h:SCHEDULE    the history of its schedule, members by fire time
--   o:SCHEDULE    how many are open;  b:SCHEDULE  members of those that are blocked, by fire time
--   blocked       the schedules that have blocked runs
--   m:SCHEDULE    member by request id, of runs asked for by hand
--   task:TASK     all runs of a task by number;  tasks  the tasks there are
--   end:STATUS    those that ended in any way but success, by number
--   waiting       pending and retrying ones by number;  `count` counts both
--   ready:TASK/GROUP  by priority, due time and number;  queues  those of them that may not be empty
--   delayed       by due time
--   held:SESSION  those that it holds;  running  how many of each task are held

local function runIdOf(schedule, member)
  return schedule .. '@' .. member
end

local PRIORITY_STEP = 4398046511104 -- 2^42: above any time in milliseconds
local function readyScore(priority, due)
  return text(-(tonumber(priority) or 0) * PRIORITY_STEP + tonumber(due))
end

local function enqueueReady(id, no, task, group, priority, due)
  local queue = task .. '/' .. group
  call('ZADD', P .. 'ready:' .. queue, readyScore(priority, due), no .. '|' .. id)
  call('SADD', P .. 'queues', queue)
  hints.ready = true
end

-- Adds a run to the history of its schedule; false when it was there already.
local function remember(run)
  return call('ZADD', P .. 'h:' .. run.schedule, 'NX', run.fireTime, run.member) == 1
end

local function index(run, no)
  collect('ZADD', P .. 'task:' .. run.task, no, run.id)
  collectOnce('SADD', P .. 'tasks', run.task)
  if run.spec then call('HSET', P .. 'x:' .. run.id, 'spec', run.spec) end
end

local function create(run, no, fields)
  fields[#fields + 1] = 'i'
  fields[#fields + 1] = no .. '|' .. run.task .. '|' .. (run.group == 'default' and '' or run.group) .. '|'
    .. (run.due == run.fireTime and '' or run.due)
  if run.kind and run.kind ~= 'scheduled' then
    fields[#fields + 1] = 'kind'
    fields[#fields + 1] = run.kind
  end
  if run.priority ~= 0 then
    fields[#fields + 1] = 'pr'
    fields[#fields + 1] = text(run.priority)
  end
  if run.delivery ~= 'atLeastOnce' then
    fields[#fields + 1] = 'dl'
    fields[#fields + 1] = run.delivery
  end
  call('HSET', P .. 'r:' .. run.id, unpack(fields))
  index(run, no)
end

-- run: { schedule, member, id, fireTime, due, task, group, priority, delivery, kind, spec }
-- It waits: for a node (`ready`), or for the runs of its schedule before it (`blocked`).
local function createWaiting(run, queue)
  local no = nextNumber()
  create(run, no, { 'st', 'pending', 'q', queue })
  call('ZADD', P .. 'waiting', no, run.id)
  add('count', 'pending', 1)
  if queue == 'blocked' then
    call('ZADD', P .. 'b:' .. run.schedule, run.fireTime, run.member)
    call('SADD', P .. 'blocked', run.schedule)
  else
    enqueueReady(run.id, no, run.task, run.group, run.priority, run.due)
  end
end

-- Of a run that is being leased, the field `l`.
local function leaseText(attempt, fence, session, node)
  return attempt .. '|' .. (fence == now * 1000 and '' or text(fence)) .. '|' .. nowText .. '|' .. session .. '|' .. node
end

-- Its attempt, fence, start, session and node.
local function leaseOf(l)
  if not l then return '0', '0', false, false, false end
  local attempt, fence, started, session, node = string.match(l, '^(%d+)|(%d*)|(%d*)|(%d*)|(.*)$')
  return attempt, fence == '' and started .. '000' or fence, started ~= '' and started, session, node ~= '' and node
end

-- It begins at once, held by a session under the lease `l`.
local function createHeld(run, session, l)
  create(run, nextNumber(), { 'st', 'running', 'l', l })
  collect('SADD', P .. 'held:' .. session, run.id)
  add('running', run.task, 1)
end

-- A record of a fire time that never starts.
local function createRecord(run, status, reason, missed)
  local no = nextNumber()
  create(run, no, { 'st', status, 'en', nowText })
  call('HSET', P .. 'x:' .. run.id, 'error', reason)
  if missed then call('HSET', P .. 'x:' .. run.id, 'missed', missed) end
  call('ZADD', P .. 'end:' .. status, no, run.id)
end

-- What never changes of a run: number, task, group and due.
local function partsOf(i, member)
  local no, task, group, due = string.match(i, '^(%d+)|([^|]*)|([^|]*)|(%-?%d*)$')
  return no, task, group == '' and 'default' or group, due == '' and string.match(member, '^%-?%d+') or due
end

local function splitId(id)
  local split = string.find(id, '@', 1, true)
  return string.sub(id, 1, split - 1), string.sub(id, split + 1)
end

-- A run with what is needed to end it or to put it back; nil when there is none.
local function readRun(id)
  local v = call('HMGET', P .. 'r:' .. id, 'i', 'st', 'q', 'l', 'rec', 'pr', 'dl', 'en', 'cx', 'due')
  if not v[1] then return nil end
  local schedule, member = splitId(id)
  local no, task, group, due = partsOf(v[1], member)
  local attempt, fence, started, session, node = leaseOf(v[4])
  return { id = id, schedule = schedule, member = member, no = no, st = v[2], q = v[2] == 'running' and 'held' or v[3],
    task = task, at = tonumber(attempt), rec = tonumber(v[5]) or 0, ses = session, node = node, fe = fence, pr = v[6], g = group,
    dl = v[7], due = v[10] or due, sa = started, en = v[8], cx = v[9] }
end

-- A run that waited elsewhere may be leased from now on.
local function makeReady(id)
  local r = readRun(id)
  call('HSET', P .. 'r:' .. id, 'q', 'ready')
  enqueueReady(id, r.no, r.task, r.g, r.pr, r.due)
end

local function leaveBlocked(schedule, member)
  call('ZREM', P .. 'b:' .. schedule, member)
  if call('EXISTS', P .. 'b:' .. schedule) == 0 then call('SREM', P .. 'blocked', schedule) end
end

-- Takes a run out of wherever it waits or is held.
local function leaveQueue(r)
  if r.q == 'held' then
    collect('SREM', P .. 'held:' .. r.ses, r.id)
    add('running', r.task, -1)
    return
  end
  if r.q == 'ready' then
    call('ZREM', P .. 'ready:' .. r.task .. '/' .. r.g, r.no .. '|' .. r.id)
  elseif r.q == 'delayed' then
    call('ZREM', P .. 'delayed', r.id)
  elseif r.q == 'blocked' then
    leaveBlocked(r.schedule, r.member)
  end
  call('ZREM', P .. 'waiting', r.id)
  add('count', r.st, -1)
end
