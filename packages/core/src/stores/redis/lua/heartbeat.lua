-- Starts or renews a session.
-- args     { session, leaseMs, info as JSON, load }
-- returns  { now, ids of held runs that are to be cancelled, sessions alive, their loads }
-- errors   SESSION_EXPIRED
-- include  runs sessions server
evenWhenFull()
local server = runningServer()
local isAgreed = isAgreedOn(server)
if not isAgreed then meet(server) end
local short = renew(args.session, args.leaseMs, isAgreed)
if not short then return redis.error_reply('EVERTICK SESSION_EXPIRED ' .. args.session) end
call('HSET', P .. 'sess:' .. args.session, 'info', args.info, 'load', args.load)
local cancel = {}
for _, id in ipairs(call('SMEMBERS', P .. 'held:' .. short)) do
  if loadRun(id).cx ~= '' then cancel[#cancel + 1] = id end
end
conclude()
local sessions = call('ZRANGEBYSCORE', P .. 'sessions', '(' .. nowText, '+inf')
local loads = {}
for i, alive in ipairs(sessions) do loads[i] = call('HGET', P .. 'sess:' .. alive, 'load') or '0' end
return { nowText, cancel, sessions, loads }
