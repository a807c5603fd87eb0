-- Frees a lock, or leaves its queue.
-- args     { name, owner }
-- returns  1 when the owner held it, else 0
-- include  locks
evenWhenFull()
local lock = readLock(args.name)
local holds = lock.isHeld and lock.owner == args.owner
if holds then
  call('HDEL', P .. 'lock:' .. args.name, 'owner')
  forget(args.name)
end
if stopWaiting(args.name, args.owner) or holds then
  hints.lock = true
  conclude()
  publish()
end
return holds and 1 or 0
