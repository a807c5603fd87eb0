-- How attempts and runs end, and what that means for their schedule.

local MAX_PAST_ATTEMPTS = 20
local MAX_RECOVERIES = 5

local function rememberAttempt(r, reason, endedAt)
  call('RPUSH', P .. 'a:' .. r.id, '{"attempt":' .. text(r.at) .. ',"node":' .. (r.node and cjson.encode(r.node) or 'null')
    .. ',"startedAt":' .. (r.sa or 'null') .. ',"endedAt":' .. endedAt .. ',"error":' .. reason .. '}')
  call('LTRIM', P .. 'a:' .. r.id, -MAX_PAST_ATTEMPTS, -1)
end

-- Answers whether the schedule has a delay after its runs.
local function countEnd(schedule, status)
  local s = loadSchedule(schedule)
  if not s then return false end
  local st = s.st
  if status == 'succeeded' then
    if s.f ~= '0' then
      s.f = '0'
      call('SREM', P .. 'failing', schedule)
      saveSchedule(s, st, s.due, s.tz)
    end
  elseif status == 'failed' or status == 'lost' then
    local failures = tonumber(s.f) + 1
    s.f = text(failures)
    call('SADD', P .. 'failing', schedule)
    local pause = tonumber(call('HGET', P .. 'd:' .. schedule, 'pause') or '')
    if st == 'active' and pause and failures >= pause then
      s.st = 'paused'
      s.rev = text(tonumber(s.rev) + 1)
      call('HSET', P .. 'd:' .. schedule, 'why', text(failures) .. SAYS.pausedAfter, 'up', nowText)
    end
    saveSchedule(s, st, s.due, s.tz)
  end
  return s.ar ~= ''
end

-- Lets the oldest blocked run of the schedule go ahead once nothing is open before it.
local function unblock(schedule)
  local blocked = call('ZCARD', P .. 'b:' .. schedule)
  if blocked == 0 or tonumber(call('GET', P .. 'o:' .. schedule)) > blocked then return end
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
  local afterRun = countEnd(schedule, status)
  unblock(schedule)
  if afterRun then timeAfterRun(schedule) end
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
  call('DECR', P .. 'o:' .. r.schedule)
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
  local node, started = '', ''
  local previous = call('LINDEX', P .. 'a:' .. r.id, -1)
  if previous then
    local attempt = cjson.decode(previous)
    if type(attempt.node) == 'string' then node = attempt.node end
    if type(attempt.startedAt) == 'number' then started = text(attempt.startedAt) end
  end
  call('HSET', P .. 'r:' .. r.id, 'st', 'pending', 'q', 'ready', 'due', nowText,
    'l', text(r.at - 1) .. '|' .. r.fe .. '|' .. started .. '||' .. node)
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

-- The open runs of a schedule. They are among the newest, as a rule.
local function openRuns(schedule)
  local left = tonumber(call('GET', P .. 'o:' .. schedule) or '0')
  local found, offset = {}, 0
  while left > 0 do
    local members = call('ZREVRANGE', P .. 'h:' .. schedule, offset, offset + 99)
    if #members == 0 then break end
    for _, member in ipairs(members) do
      local r = readRun(runIdOf(schedule, member))
      -- A run that is being created is remembered before it is written.
      if r and r.q then
        found[#found + 1] = r
        left = left - 1
      end
    end
    offset = offset + #members
  end
  return found
end

-- Ends the waiting runs of a schedule and marks the running ones. Answers whether any is still running.
local function cancelAllOf(schedule, reason)
  local running = {}
  local waiting = {}
  for _, r in ipairs(openRuns(schedule)) do
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
