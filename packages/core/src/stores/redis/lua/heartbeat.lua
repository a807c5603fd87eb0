-- Starts or renews a session.
-- args     { session, node, leaseMs, info as JSON }
-- returns  { now, ids of held runs that are to be cancelled, sessions alive }
-- errors   SESSION_EXPIRED
evenWhenFull()
local key = P .. 'sess:' .. args.session
local before = redis.call('HGET', key, 'until')
if before and tonumber(before) <= now then return redis.error_reply('EVERTICK SESSION_EXPIRED ' .. args.session) end
local untilText = text(now + args.leaseMs)
redis.call('HSET', key, 'until', untilText, 'beat', nowText, 'info', args.info)
if not before then redis.call('HSET', key, 'start', nowText) end
-- sessions: all that are still listed;  holders: those that may hold runs. Both by the end of their lease.
redis.call('ZADD', P .. 'sessions', untilText, args.session)
redis.call('ZADD', P .. 'holders', untilText, args.session)
local cancel = {}
for _, id in ipairs(redis.call('SMEMBERS', P .. 'held:' .. args.session)) do
  if redis.call('HGET', P .. 'r:' .. id, 'cx') then cancel[#cancel + 1] = id end
end
conclude()
return { nowText, cancel, redis.call('ZRANGEBYSCORE', P .. 'sessions', '(' .. nowText, '+inf') }
