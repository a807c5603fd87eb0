-- Whether this is still the server that the nodes have agreed on. Another one (the same after a restart, or a replica that
-- took over) may lack the last writes: before it fires, leases, ends or takes back anything, the nodes that live tell it what
-- they saw. One that comes too late for that tells it all the same, before its next step.
-- server: its run id;  coming: one that is not agreed on yet, since `since`;  awaited: sessions that lived when the store was
-- last there;  rejoined: sessions that have told it.
local function runningServer()
  local info = redis.pcall('INFO', 'server')
  -- Where INFO is not allowed, a change of the server cannot be seen.
  return type(info) == 'string' and string.match(info, 'run_id:(%x+)') or 'unknown'
end

local function isAgreedOn(server)
  return call('HGET', KEYS[1], 'server') == server
end

local AWAITED_AT_MOST = 1000

-- The first step on a server that is not agreed on. Heartbeats may have been lost with the last writes, or not have come
-- for as long as there was no server: so those live that did at the last heartbeat that is known of.
local function meet(server)
  if call('HGET', KEYS[1], 'coming') == server then return end
  call('HSET', KEYS[1], 'coming', server, 'since', nowText)
  call('DEL', P .. 'rejoined', P .. 'awaited')
  local listed = call('ZREVRANGE', P .. 'sessions', 0, AWAITED_AT_MOST - 1, 'WITHSCORES')
  local last = 0
  for i = 1, #listed, 2 do
    last = math.max(last, tonumber(call('HGET', P .. 'sess:' .. listed[i], 'beat') or '0'))
  end
  for i = 1, #listed, 2 do
    if tonumber(listed[i + 1]) > last then call('SADD', P .. 'awaited', listed[i]) end
  end
end

-- Whether a session that lives, as far as is known, has not told what it saw.
local function isAnyMissing()
  for _, session in ipairs(call('SDIFF', P .. 'awaited', P .. 'rejoined')) do
    if not call('HGET', P .. 'sess:' .. session, 'left') then return true end
  end
  for _, session in ipairs(call('ZRANGEBYSCORE', P .. 'sessions', '(' .. nowText, '+inf')) do
    if call('SISMEMBER', P .. 'rejoined', session) == 0 then return true end
  end
  return false
end

local function agreeOn(server)
  call('HSET', KEYS[1], 'server', server)
  call('HDEL', KEYS[1], 'coming', 'since')
  call('DEL', P .. 'rejoined', P .. 'awaited')
end

-- An error, or nil where the caller and all others may go on.
local function refusal()
  local server = runningServer()
  if ARGV[3] == server and isAgreedOn(server) then return nil end
  return redis.error_reply('EVERTICK NOT_REJOINED ' .. server)
end
