-- How attempts and runs end, and what that means for their schedule.

local MAX_PAST_ATTEMPTS = 20
local MAX_RECOVERIES = 5

local function rememberAttempt(r, reason, endedAt)
  call('RPUSH', P .. 'a:' .. r.id, '{"attempt":' .. text(r.at) .. ',"node":' .. (r.node and cjson.encode(r.node) or 'null')
    .. ',"startedAt":' .. (r.sa or 'null') .. ',"endedAt":' .. endedAt .. ',"error":' .. reason .. '}')
  call('LTRIM', P .. 'a:' .. r.id, -MAX_PAST_ATTEMPTS, -1)
end

local function countFailure(schedule)
  local key = P .. 's:' .. schedule
  local s = call('HMGET', key, 'st', 'f', 'sh', 'due', 'tz')
  if not s[1] then return end
  local failures = (tonumber(s[2]) or 0) + 1
  call('HSET', key, 'f', failures)
  call('SADD', P .. 'failing', schedule)
  local pause = tonumber(call('HGET', P .. 'd:' .. schedule, 'pause') or '')
  if s[1] ~= 'active' or not pause or failures < pause then return end
  call('HSET', key, 'st', 'paused')
  call('HINCRBY', key, 'rev', 1)
  call('HSET', P .. 'd:' .. schedule, 'why', text(failures) .. SAYS.pausedAfter, 'up', nowText)
  place(schedule, s[3], { 'active', s[4], s[5] }, { 'paused', s[4], s[5] })
end

-- Lets the oldest blocked run of the schedule go ahead once nothing is open before it.
local function unblock(schedule)
  local blocked = call('ZCARD', P .. 'b:' .. schedule)
  if blocked == 0 or call('HLEN', P .. 'o:' .. schedule) > blocked then return end
  local member = call('ZRANGE', P .. 'b:' .. schedule, 0, 0)[1]
  leaveBlocked(schedule, member)
  makeReady(runIdOf(schedule, member))
end

-- Asked once per script: almost always nothing depends on how a run ends. From the first one that did not succeed on,
-- there may be something to count or to let go ahead.
local quiet = nil
local anyWaiting = nil

local function afterEnd(schedule, status)
  if status == 'succeeded' then
    if quiet == nil then quiet = call('EXISTS', P .. 'failing', P .. 'after-run', P .. 'blocked') == 0 end
    if quiet then return end
  end
  quiet = false
  local s = call('HMGET', P .. 's:' .. schedule, 'f', 'ar')
  if status == 'succeeded' then
    if s[1] and s[1] ~= '0' then
      call('HSET', P .. 's:' .. schedule, 'f', '0')
      call('SREM', P .. 'failing', schedule)
    end
  elseif status == 'failed' or status == 'lost' then
    countFailure(schedule)
  end
  unblock(schedule)
  if s[2] then timeAfterRun(schedule) end
end

-- status: succeeded, failed, cancelled or lost. reason: JSON, false for a success.
local function endRun(r, status, reason, result)
  leaveQueue(r)
  local key = P .. 'r:' .. r.id
  call('HSET', key, 'st', status, 'en', nowText)
  if r.q ~= 'held' then call('HDEL', key, 'q') end
  if status == 'succeeded' then
    if r.at > 1 then call('HDEL', P .. 'x:' .. r.id, 'error') end
    if result then call('HSET', P .. 'x:' .. r.id, 'result', result) end
  else
    call('HSET', P .. 'x:' .. r.id, 'error', reason)
    call('ZADD', P .. 'end:' .. status, r.no, r.id)
  end
  call('HDEL', P .. 'o:' .. r.schedule, r.member)
  -- A place under the task's cluster limit may be free now.
  if r.q == 'held' then
    if anyWaiting == nil then anyWaiting = call('EXISTS', P .. 'waiting') == 1 end
    if anyWaiting then hints.ready = true end
  end
  afterEnd(r.schedule, status)
  return status
end

-- Back among those that wait, for another attempt.
local function putBack(r, reason, delayMs)
  if r.cx then return endRun(r, 'cancelled', SAYS.cancelled) end
  leaveQueue(r)
  rememberAttempt(r, reason, nowText)
  local due = text(now + delayMs)
  local queue = delayMs > 0 and 'delayed' or 'ready'
  call('HSET', P .. 'r:' .. r.id, 'st', 'retrying', 'q', queue, 'due', due)
  call('HSET', P .. 'x:' .. r.id, 'error', reason)
  call('ZADD', P .. 'waiting', r.no, r.id)
  add('count', 'retrying', 1)
  if delayMs > 0 then
    call('ZADD', P .. 'delayed', due, r.id)
  else
    enqueueReady(r.id, r.no, r.task, r.g, r.pr, due)
  end
  return 'retrying'
end

-- Its node had to let go of it while the body ran: its delivery decides whether it may begin again.
local function takeBack(r, reason)
  if r.cx then return endRun(r, 'cancelled', SAYS.cancelled) end
  if r.dl == 'atMostOnce' then return endRun(r, 'lost', reason) end
  return putBack(r, reason, 0)
end

-- Its node died, perhaps of it: that may happen only so often.
local function recoverRun(r)
  local said = SAYS.abandoned .. (r.node or 'unknown') .. SAYS.abandonedEnd
  if r.rec >= MAX_RECOVERIES and not r.cx and r.dl ~= 'atMostOnce' then
    return endRun(r, 'failed', '{"code":"ABANDONED","message":' .. cjson.encode(SAYS.givenUp .. said) .. '}')
  end
  call('HINCRBY', P .. 'r:' .. r.id, 'rec', 1)
  return takeBack(r, '{"code":"ABANDONED","message":' .. cjson.encode(said) .. '}')
end

-- The body never began: as if it had not been claimed.
local function releaseRun(r)
  if r.cx then return endRun(r, 'cancelled', SAYS.cancelled) end
  leaveQueue(r)
  local key = P .. 'r:' .. r.id
  call('HSET', key, 'st', 'pending', 'q', 'ready', 'due', nowText, 'at', text(r.at - 1))
  call('HDEL', key, 'node', 'sa')
  local previous = call('LINDEX', P .. 'a:' .. r.id, -1)
  if previous then
    local attempt = cjson.decode(previous)
    if type(attempt.node) == 'string' then call('HSET', key, 'node', attempt.node) end
    if type(attempt.startedAt) == 'number' then call('HSET', key, 'sa', text(attempt.startedAt)) end
  end
  call('ZADD', P .. 'waiting', r.no, r.id)
  add('count', 'pending', 1)
  enqueueReady(r.id, r.no, r.task, r.g, r.pr, nowText)
end

local function cancelRun(r, reason)
  if not r.q then return end
  if r.q ~= 'held' then
    endRun(r, 'cancelled', reason)
  elseif not r.cx then
    call('HSET', P .. 'r:' .. r.id, 'cx', '1')
    hints.cancel = true
  end
end

-- Ends the waiting runs of a schedule and marks the running ones. Answers whether any is still running.
local function cancelAllOf(schedule, reason)
  local running = {}
  local waiting = {}
  for _, member in ipairs(call('HKEYS', P .. 'o:' .. schedule)) do
    local r = readRun(runIdOf(schedule, member))
    if r.q == 'held' then
      running[#running + 1] = r
    elseif r.q == 'blocked' then
      -- First: ending the free ones would otherwise let them start.
      endRun(r, 'cancelled', reason)
    else
      waiting[#waiting + 1] = r
    end
  end
  for _, r in ipairs(waiting) do endRun(r, 'cancelled', reason) end
  for _, r in ipairs(running) do cancelRun(r, reason) end
  return #running > 0
end
