-- Removes a schedule and cancels its open runs; what a namesake must not repeat is kept for a while.
-- args     { id, revision or false, keepMs }
-- returns  1, 0 when there is none, or { revision } that does not match
-- include  says schedules runs endings
local id = args.id
local s = call('HMGET', P .. 's:' .. id, 'rev', 'hw', 'st', 'due', 'tz', 'sh')
if not s[1] then return 0 end
if args.revision and tonumber(s[1]) ~= args.revision then return { s[1] } end
evenWhenFull()
cancelAllOf(id, SAYS.deleted)
-- Ending its runs may have given it a fire time.
s = call('HMGET', P .. 's:' .. id, 'rev', 'hw', 'st', 'due', 'tz', 'sh')
place(id, s[6], { s[3], s[4], s[5] }, { false, false, false })
local calendars = call('HGET', P .. 'd:' .. id, 'cal')
for _, name in ipairs(calendars and cjson.decode(calendars) or {}) do call('SREM', P .. 'users:' .. name, id) end
call('DEL', P .. 's:' .. id, P .. 'd:' .. id)
call('ZREM', P .. 'ids', id)
call('SREM', P .. 'failing', id)
call('SREM', P .. 'after-run', id)
call('HSET', P .. 't:' .. id, 'rev', s[1])
if s[2] then call('HSET', P .. 't:' .. id, 'hw', s[2]) end
call('PEXPIRE', P .. 't:' .. id, args.keepMs)
if call('EXISTS', P .. 'h:' .. id) == 1 then call('ZADD', P .. 'graves', 0, id) end
conclude()
publish()
return 1
