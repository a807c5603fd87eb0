-- Ends a session; what it holds can be recovered from now on.
-- args     { session }
evenWhenFull()
local key = P .. 'sess:' .. args.session
local session = call('HMGET', key, 'until', 'number')
local leaseUntil = session[1]
if not leaseUntil or tonumber(leaseUntil) <= now then return 0 end
call('HSET', key, 'until', nowText, 'left', '1')
call('ZADD', P .. 'sessions', nowText, args.session)
call('ZADD', P .. 'holders', nowText, session[2])
conclude()
return 1
