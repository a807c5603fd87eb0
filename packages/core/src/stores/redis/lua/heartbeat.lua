-- Starts or renews a session.
-- args     { session, node, leaseMs, info as JSON }
-- returns  { now, ids of held runs that are to be cancelled, sessions alive }
-- errors   SESSION_EXPIRED
evenWhenFull()
local key = P .. 'sess:' .. args.session
local before = call('HGET', key, 'until')
if before and tonumber(before) <= now then return redis.error_reply('EVERTICK SESSION_EXPIRED ' .. args.session) end
local untilText = text(now + args.leaseMs)
call('HSET', key, 'until', untilText, 'beat', nowText, 'info', args.info)
if not before then call('HSET', key, 'start', nowText) end
-- sessions: all that are still listed;  holders: those that may hold runs. Both by the end of their lease.
call('ZADD', P .. 'sessions', untilText, args.session)
call('ZADD', P .. 'holders', untilText, args.session)
local cancel = {}
for _, id in ipairs(call('SMEMBERS', P .. 'held:' .. args.session)) do
  if call('HGET', P .. 'r:' .. id, 'cx') then cancel[#cancel + 1] = id end
end
conclude()
return { nowText, cancel, call('ZRANGEBYSCORE', P .. 'sessions', '(' .. nowText, '+inf') }
