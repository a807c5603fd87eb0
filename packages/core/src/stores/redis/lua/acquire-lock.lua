-- Grants a lock, or a place in its queue.
-- args     { name, owner, holder, ttlMs, queueMs, rememberedMs }
-- returns  { 'acquired', fence, until } or { 'held', holder or '', free in ms }
-- include  locks
whenThereIsRoom()
local name, owner = args.name, args.owner
local key, queue, places = P .. 'lock:' .. name, P .. 'wait:' .. name, P .. 'wait-until:' .. name
local lock = readLock(name)
if lock.isHeld and lock.owner == owner then
  local untilText = extend(name, args.ttlMs, args.rememberedMs)
  conclude()
  return { 'acquired', lock.fence, untilText }
end

for _, gone in ipairs(call('ZRANGEBYSCORE', places, '-inf', nowText)) do stopWaiting(name, gone) end
local first = call('ZRANGE', queue, 0, 0)[1]
if not lock.isHeld and (not first or first == owner) then
  stopWaiting(name, owner)
  local fence = text(math.max(tonumber(lock.fence or '0') + 1, now * 1000))
  call('HSET', key, 'fence', fence, 'owner', owner, 'holder', args.holder, 'at', nowText)
  call('ZADD', P .. 'lock-names', 0, name)
  local untilText = extend(name, args.ttlMs, args.rememberedMs)
  conclude()
  return { 'acquired', fence, untilText }
end

if args.queueMs > 0 then
  if call('ZADD', queue, 'NX', lock.place + 1, owner) == 1 then call('HINCRBY', key, 'place', 1) end
  call('ZADD', places, text(now + args.queueMs), owner)
  for _, one in ipairs({ queue, places }) do
    call('PEXPIRE', one, text(math.max(call('PTTL', one), args.queueMs)))
  end
end
conclude()
local freeAt = lock.isHeld and lock.leaseUntil or tonumber(call('ZSCORE', places, first))
return { 'held', lock.isHeld and lock.holder or '', text(freeAt - now) }
