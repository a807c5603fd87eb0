-- Starts or renews a session.
-- args     { session, leaseMs, info as JSON, load }
-- returns  { now, ids of held runs that are to be cancelled, sessions alive, their loads }
-- errors   SESSION_EXPIRED
-- include  runs
evenWhenFull()
local key = P .. 'sess:' .. args.session
local session = call('HMGET', key, 'until', 'number')
local before, short = session[1], session[2]
if before and tonumber(before) <= now then return redis.error_reply('EVERTICK SESSION_EXPIRED ' .. args.session) end
local untilText = text(now + args.leaseMs)
call('HSET', key, 'until', untilText, 'beat', nowText, 'info', args.info, 'load', args.load)
if not before then
  short = call('INCR', P .. 'session-number')
  call('HSET', key, 'start', nowText, 'number', short)
end
-- sessions: all that are still listed;  holders: the short numbers of those that may hold runs. Both by the end of their
-- lease.
call('ZADD', P .. 'sessions', untilText, args.session)
call('ZADD', P .. 'holders', untilText, short)
local cancel = {}
for _, id in ipairs(call('SMEMBERS', P .. 'held:' .. short)) do
  if loadRun(id).cx ~= '' then cancel[#cancel + 1] = id end
end
conclude()
local sessions = call('ZRANGEBYSCORE', P .. 'sessions', '(' .. nowText, '+inf')
local loads = {}
for i, alive in ipairs(sessions) do loads[i] = call('HGET', P .. 'sess:' .. alive, 'load') end
return { nowText, cancel, sessions, loads }
