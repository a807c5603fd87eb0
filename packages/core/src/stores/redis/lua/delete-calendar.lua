-- args     { name, revision or false, all = see put-calendar, users = { those in other cells } }
-- returns  { 'deleted' }, { 'stale' }, { 'absent' }, { 'conflict', revision } or { 'used', ids… }
local before = call('HGET', P .. 'calendars', args.name)
if not before then return { 'absent' } end
local revision = cjson.decode(before).revision
if args.revision and revision ~= args.revision then return { 'conflict', text(revision) } end
if args.all and tonumber(call('GET', P .. 'calendars-revision') or '0') ~= args.all - 1 then return { 'stale' } end
local users = call('ZRANGE', P .. 'users:' .. args.name, 0, 999)
for _, id in ipairs(args.users) do users[#users + 1] = id end
if #users > 0 then
  table.sort(users)
  return { 'used', unpack(users, 1, math.min(#users, 1000)) }
end
call('HDEL', P .. 'calendars', args.name)
call('ZREM', P .. 'calendar-names', args.name)
call('INCR', P .. 'calendars-revision')
conclude()
return { 'deleted' }
