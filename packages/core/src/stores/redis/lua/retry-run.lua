-- A run that ended without success waits again, for one more attempt.
-- args     { id }
-- returns  the run row after that, or false
-- include  says schedules runs endings run-row
local r = readRun(args.id)
if not r then return false end
if r.q or r.st == 'succeeded' then return runRow(args.id) end
local remembered = call('LINDEX', P .. 'a:' .. r.id, -1)
if r.at > 0 and not (remembered and cjson.decode(remembered).attempt == r.at) then
  rememberAttempt(r, call('HGET', P .. 'x:' .. r.id, 'error') or SAYS.cancelled, r.en)
end
call('ZREM', P .. 'end:' .. r.st, r.id)
call('HSET', P .. 'r:' .. r.id, 'st', 'pending', 'q', 'ready', 'due', nowText)
call('HDEL', P .. 'r:' .. r.id, 'en', 'cx', 'rec')
call('HDEL', P .. 'x:' .. r.id, 'error')
call('INCR', P .. 'o:' .. r.schedule)
call('ZADD', P .. 'waiting', r.no, r.id)
add('count', 'pending', 1)
enqueueReady(r.id, r.no, r.task, r.g, r.pr, nowText)
timeAfterRun(r.schedule)
conclude()
publish()
return runRow(args.id)
