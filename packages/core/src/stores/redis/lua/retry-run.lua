-- A run that ended without success waits again, for one more attempt.
-- args     { id }
-- returns  the run row after that, or false
-- include  says schedules runs endings run-row
local r = loadRun(args.id)
if not r then return false end
if isOpen(r) or r.st == 'succeeded' then return runRow(args.id) end
local remembered = call('LINDEX', P .. 'a:' .. r.id, -1)
if r.at ~= '0' and not (remembered and text(cjson.decode(remembered).attempt) == r.at) then
  rememberAttempt(r, call('HGET', P .. 'x:' .. r.id, 'error') or SAYS.cancelled, r.en)
end
call('ZREM', P .. 'end:' .. r.st, r.id)
call('HDEL', P .. 'x:' .. r.id, 'error')
r.due, r.en, r.cx, r.rec = nowText, '', '', ''
countOpen(r.schedule, 1)
await(r, 'pending')
enqueueReady(r)
timeAfterRun(r.schedule)
conclude()
publish()
return runRow(args.id)
