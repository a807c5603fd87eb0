-- How attempts and runs end, and what that means for their schedule.

local MAX_PAST_ATTEMPTS = 20
local MAX_RECOVERIES = 5

local function rememberAttempt(r, reason, endedAt)
  call('RPUSH', P .. 'a:' .. r.id, '{"attempt":' .. r.at .. ',"node":' .. (r.node == '' and 'null' or cjson.encode(r.node))
    .. ',"startedAt":' .. (r.sa == '' and 'null' or r.sa) .. ',"endedAt":' .. endedAt .. ',"error":' .. reason .. '}')
  call('LTRIM', P .. 'a:' .. r.id, -MAX_PAST_ATTEMPTS, -1)
end

local function countEnd(s, status)
  if status == 'succeeded' then
    if s.f == '0' then return end
    s.f = '0'
    call('SREM', P .. 'failing', s.id)
    saveSchedule(s)
  elseif status == 'failed' or status == 'lost' then
    local failures = tonumber(s.f) + 1
    s.f = text(failures)
    call('SADD', P .. 'failing', s.id)
    local pause = tonumber(call('HGET', P .. 'd:' .. s.id, 'pause') or '')
    if s.st == 'active' and pause and failures >= pause then
      s.st = 'paused'
      s.rev = text(tonumber(s.rev) + 1)
      call('HSET', P .. 'd:' .. s.id, 'why', s.f .. SAYS.pausedAfter, 'up', nowText)
    end
    saveSchedule(s)
  end
end

-- Lets the oldest blocked run of the schedule go ahead once nothing is open before it.
local function unblock(schedule)
  local blocked = call('ZCARD', P .. 'b:' .. schedule)
  if blocked == 0 or openOf(schedule) > blocked then return end
  local member = call('ZRANGE', P .. 'b:' .. schedule, 0, 0)[1]
  leaveBlocked(schedule, member)
  makeReady(runIdOf(schedule, member))
end

-- Asked once per script: almost always nothing depends on how a run ends. From the first one that did not succeed on,
-- there may be something to count or to let go ahead.
local quiet = nil
local anyWaiting = nil

local function isQuiet()
  if quiet == nil then quiet = call('EXISTS', P .. 'failing', P .. 'after-run', P .. 'blocked') == 0 end
  return quiet
end

-- A place under the task's cluster limit may be free now.
local function placeFreed()
  if anyWaiting == nil then anyWaiting = call('EXISTS', P .. 'waiting') == 1 end
  if anyWaiting then hints.ready = true end
end

local function afterEnd(schedule, status)
  if status == 'succeeded' and isQuiet() then return end
  quiet = false
  local s = loadSchedule(schedule)
  if s then countEnd(s, status) end
  unblock(schedule)
  timeAfterRun(schedule)
end

-- status: succeeded, failed, cancelled or lost. reason: JSON, false for a success.
local function endRun(r, status, reason, result)
  if r.st == 'running' then placeFreed() end
  leaveQueue(r)
  r.st, r.en = status, nowText
  saveRun(r)
  if status == 'succeeded' then
    if r.at ~= '1' then call('HDEL', P .. 'x:' .. r.id, 'error') end
    if result then call('HSET', P .. 'x:' .. r.id, 'result', result) end
  else
    call('HSET', P .. 'x:' .. r.id, 'error', reason)
    call('ZADD', P .. 'end:' .. status, r.no, r.id)
  end
  countOpen(r.schedule, -1)
  afterEnd(r.schedule, status)
  return status
end

-- Back among those that wait, for another attempt.
local function putBack(r, reason, delayMs)
  if r.cx ~= '' then return endRun(r, 'cancelled', SAYS.cancelled) end
  leaveQueue(r)
  rememberAttempt(r, reason, nowText)
  r.due = text(now + delayMs)
  call('HSET', P .. 'x:' .. r.id, 'error', reason)
  await(r, 'retrying')
  if delayMs > 0 then
    r.q = 'delayed'
    call('ZADD', P .. 'delayed', r.due, r.id)
  else
    enqueueReady(r)
  end
  return 'retrying'
end

-- Its node had to let go of it while the body ran: its delivery decides whether it may begin again.
local function takeBack(r, reason)
  if r.cx ~= '' then return endRun(r, 'cancelled', SAYS.cancelled) end
  if r.dl == 'atMostOnce' then return endRun(r, 'lost', reason) end
  return putBack(r, reason, 0)
end

-- Its node died, perhaps of it: that may happen only so often.
local function recoverRun(r)
  local said = SAYS.abandoned .. (r.node == '' and 'unknown' or r.node) .. SAYS.abandonedEnd
  local recoveries = tonumber(r.rec) or 0
  if recoveries >= MAX_RECOVERIES and r.cx == '' and r.dl ~= 'atMostOnce' then
    return endRun(r, 'failed', '{"code":"ABANDONED","message":' .. cjson.encode(SAYS.givenUp .. said) .. '}')
  end
  r.rec = text(recoveries + 1)
  return takeBack(r, '{"code":"ABANDONED","message":' .. cjson.encode(said) .. '}')
end

-- The body never began: as if it had not been claimed.
local function releaseRun(r)
  if r.cx ~= '' then return endRun(r, 'cancelled', SAYS.cancelled) end
  leaveQueue(r)
  r.node, r.sa, r.ses, r.due = '', '', '', nowText
  r.at = text(tonumber(r.at) - 1)
  local previous = call('LINDEX', P .. 'a:' .. r.id, -1)
  if previous then
    local attempt = cjson.decode(previous)
    if type(attempt.node) == 'string' then r.node = attempt.node end
    if type(attempt.startedAt) == 'number' then r.sa = text(attempt.startedAt) end
  end
  await(r, 'pending')
  enqueueReady(r)
end

-- kind, said, delayMs: see finish.lua.
local function endAttempt(r, kind, said, delayMs)
  if kind == 'succeeded' then
    endRun(r, kind, false, said)
  elseif kind == 'failed' or kind == 'cancelled' then
    endRun(r, kind, said)
  elseif kind == 'retry' then
    putBack(r, said, delayMs)
  elseif kind == 'interrupted' then
    takeBack(r, said)
  else
    releaseRun(r)
  end
end

local function cancelRun(r, reason)
  if r.st == 'running' then
    if r.cx ~= '' then return end
    r.cx = '1'
    saveRun(r)
    hints.cancel = true
  elseif r.q ~= '' then
    endRun(r, 'cancelled', reason)
  end
end
