-- A run is the hash r:ID, with ID = SCHEDULE@MEMBER and MEMBER = FIRETIME or FIRETIME.REQUEST:
--   no number   st status   q queue (ready, delayed, blocked, held; none when it has ended)   kind (none: scheduled)
--   task   at attempt   rec recoveries   ses session   node   fe fence   pr priority (none: 0)   g group
--   dl delivery (none: at least once)   due   cr created   sa started   en ended   cx cancel requested   lb log bytes
-- x:ID has its texts, where there are any: spec, error, result, progress, missed. a:ID lists its past attempts, l:ID its
-- log. Where it is found:
--   h:SCHEDULE    the history of its schedule, members by fire time
--   o:SCHEDULE    members of runs that are open;  b:SCHEDULE  of those that are blocked, by fire time
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
  redis.call('ZADD', P .. 'ready:' .. queue, readyScore(priority, due), no .. '|' .. id)
  redis.call('SADD', P .. 'queues', queue)
  hints.ready = true
end

local knownTasks = {}
local function index(schedule, member, id, no, fireTime, task)
  redis.call('ZADD', P .. 'h:' .. schedule, fireTime, member)
  redis.call('ZADD', P .. 'task:' .. task, no, id)
  if not knownTasks[task] then
    knownTasks[task] = true
    redis.call('SADD', P .. 'tasks', task)
  end
end

-- What is written only where it differs from what nearly every run has.
local function unusual(fields, run)
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
  return fields
end

-- run: { schedule, member, id, fireTime, due, task, group, priority, delivery, kind, spec }
-- It waits: for a node (`ready`), or for the runs of its schedule before it (`blocked`).
local function createWaiting(run, queue)
  local no = nextNumber()
  redis.call('HSET', P .. 'r:' .. run.id, unpack(unusual(
    { 'no', no, 'st', 'pending', 'q', queue, 'task', run.task, 'at', '0', 'fe', '0', 'g', run.group, 'due', run.due,
      'cr', nowText }, run)))
  if run.spec then redis.call('HSET', P .. 'x:' .. run.id, 'spec', run.spec) end
  index(run.schedule, run.member, run.id, no, run.fireTime, run.task)
  redis.call('HSET', P .. 'o:' .. run.schedule, run.member, '')
  redis.call('ZADD', P .. 'waiting', no, run.id)
  redis.call('HINCRBY', P .. 'count', 'pending', 1)
  if queue == 'blocked' then
    redis.call('ZADD', P .. 'b:' .. run.schedule, run.fireTime, run.member)
  else
    enqueueReady(run.id, no, run.task, run.group, run.priority, run.due)
  end
end

-- It begins at once, held by `session` of `node`.
local function createHeld(run, session, node, fence)
  local no = nextNumber()
  redis.call('HSET', P .. 'r:' .. run.id, unpack(unusual(
    { 'no', no, 'st', 'running', 'q', 'held', 'task', run.task, 'at', '1', 'fe', fence, 'g', run.group, 'due', run.due,
      'cr', nowText, 'sa', nowText, 'ses', session, 'node', node }, run)))
  if run.spec then redis.call('HSET', P .. 'x:' .. run.id, 'spec', run.spec) end
  index(run.schedule, run.member, run.id, no, run.fireTime, run.task)
  redis.call('HSET', P .. 'o:' .. run.schedule, run.member, '')
  redis.call('SADD', P .. 'held:' .. session, run.id)
  redis.call('HINCRBY', P .. 'running', run.task, 1)
end

-- A record of a fire time that never starts.
local function createRecord(run, status, reason, missed)
  local no = nextNumber()
  redis.call('HSET', P .. 'r:' .. run.id, unpack(unusual(
    { 'no', no, 'st', status, 'task', run.task, 'at', '0', 'fe', '0', 'g', run.group, 'due', run.due, 'cr', nowText,
      'en', nowText }, run)))
  redis.call('HSET', P .. 'x:' .. run.id, 'error', reason)
  if missed then redis.call('HSET', P .. 'x:' .. run.id, 'missed', missed) end
  if run.spec then redis.call('HSET', P .. 'x:' .. run.id, 'spec', run.spec) end
  index(run.schedule, run.member, run.id, no, run.fireTime, run.task)
  redis.call('ZADD', P .. 'end:' .. status, no, run.id)
end

-- Takes a run out of wherever it waits or is held. r: see `readRun`.
local function leaveQueue(r)
  if r.q == 'held' then
    redis.call('SREM', P .. 'held:' .. r.ses, r.id)
    redis.call('HINCRBY', P .. 'running', r.task, -1)
    return
  end
  if r.q == 'ready' then
    redis.call('ZREM', P .. 'ready:' .. r.task .. '/' .. r.g, r.no .. '|' .. r.id)
  elseif r.q == 'delayed' then
    redis.call('ZREM', P .. 'delayed', r.id)
  elseif r.q == 'blocked' then
    redis.call('ZREM', P .. 'b:' .. r.schedule, r.member)
  end
  redis.call('ZREM', P .. 'waiting', r.id)
  redis.call('HINCRBY', P .. 'count', r.st, -1)
end

-- A run with what is needed to end it or to put it back; nil when there is none.
local function readRun(id)
  local v = redis.call('HMGET', P .. 'r:' .. id, 'no', 'st', 'q', 'task', 'at', 'rec', 'ses', 'node', 'fe', 'pr', 'g', 'dl', 'due',
    'sa', 'en', 'cx')
  if not v[1] then return nil end
  local split = string.find(id, '@', 1, true)
  return { id = id, schedule = string.sub(id, 1, split - 1), member = string.sub(id, split + 1), no = v[1], st = v[2], q = v[3],
    task = v[4], at = tonumber(v[5]), rec = tonumber(v[6]) or 0, ses = v[7], node = v[8], fe = v[9], pr = v[10], g = v[11],
    dl = v[12], due = v[13], sa = v[14], en = v[15], cx = v[16] }
end
