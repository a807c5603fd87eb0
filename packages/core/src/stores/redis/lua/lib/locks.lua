-- A lock is the hash lock:NAME, which outlives its holder, so that the next fence is above the last:
--   fence   owner (none: released)   holder   at acquired   until end of the lease   place the last one in its queue
-- wait:NAME has those who wait for it by their place, wait-until:NAME by when they lose it. All three expire.
-- `locks` has what is held by the end of its lease, `lock-names` the same by name; both keep what expired until pruned.

local function readLock(name)
  local v = call('HMGET', P .. 'lock:' .. name, 'fence', 'owner', 'holder', 'at', 'until', 'place')
  local leaseUntil = tonumber(v[5] or '0')
  return { name = name, fence = v[1], owner = v[2], holder = v[3], at = v[4], leaseUntil = leaseUntil,
    isHeld = v[2] and leaseUntil > now, place = tonumber(v[6] or '0') }
end

-- From now on it is held for so long. Answers until when.
local function extend(name, ttlMs, rememberedMs)
  local untilText = text(now + ttlMs)
  call('HSET', P .. 'lock:' .. name, 'until', untilText)
  call('PEXPIRE', P .. 'lock:' .. name, text(ttlMs + rememberedMs))
  call('ZADD', P .. 'locks', untilText, name)
  return untilText
end

-- Answers whether it was there.
local function stopWaiting(name, owner)
  call('ZREM', P .. 'wait-until:' .. name, owner)
  return call('ZREM', P .. 'wait:' .. name, owner) == 1
end

local function forget(name)
  call('ZREM', P .. 'locks', name)
  call('ZREM', P .. 'lock-names', name)
end
