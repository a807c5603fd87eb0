-- Removes a schedule and cancels its open runs; what a namesake must not repeat is kept for a while.
-- args     { id, revision or false, keepMs }
-- returns  1, 0 when there is none, or { revision } that does not match
-- include  says schedules runs history endings open-runs
local id = args.id
local s = loadSchedule(id)
if not s then return 0 end
if args.revision and tonumber(s.rev) ~= args.revision then return { s.rev } end
evenWhenFull()
settle({ s })
cancelAllOf(id, SAYS.deleted)
-- Ending its runs may have given it a fire time, which must not come into the index.
s.isDeleted = true
saveSchedule(s)
local calendars = call('HGET', P .. 'd:' .. id, 'cal')
for _, name in ipairs(calendars and cjson.decode(calendars) or {}) do call('ZREM', P .. 'users:' .. name, id) end
conclude()
call('DEL', P .. 's:' .. id, P .. 'd:' .. id)
call('ZREM', P .. 'ids', id)
call('SREM', P .. 'failing', id)
call('SREM', P .. 'after-run', id)
call('HSET', P .. 't:' .. id, 'rev', s.rev)
if s.hw ~= '' then call('HSET', P .. 't:' .. id, 'hw', s.hw) end
call('PEXPIRE', P .. 't:' .. id, args.keepMs)
call('ZADD', P .. 'tombstones', text(now + args.keepMs), id)
if call('EXISTS', P .. 'h:' .. id) == 1 then
  call('ZADD', P .. 'graves', 0, id)
else
  call('DEL', P .. 'o:' .. id)
end
publish()
return 1
