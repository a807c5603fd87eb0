-- Lets the lease of a lock last for longer.
-- args     { name, owner, fence, ttlMs, rememberedMs }
-- returns  1, or 0 when it is not held so
-- include  locks
evenWhenFull()
local lock = readLock(args.name)
if not lock.isHeld or lock.owner ~= args.owner or lock.fence ~= args.fence then return 0 end
extend(args.name, args.ttlMs, args.rememberedMs)
conclude()
return 1
