-- args     { name, revision or false, all = see put-calendar, users = { those in other cells } }
-- returns  { 'deleted' }, { 'stale' }, { 'absent' }, { 'conflict', revision } or { 'used', ids… }
local before = redis.call('HGET', P .. 'calendars', args.name)
if not before then return { 'absent' } end
local revision = cjson.decode(before).revision
if args.revision and revision ~= args.revision then return { 'conflict', text(revision) } end
if args.all and tonumber(redis.call('GET', P .. 'calendars-revision') or '0') ~= args.all - 1 then return { 'stale' } end
local users = redis.call('SMEMBERS', P .. 'users:' .. args.name)
for _, id in ipairs(args.users) do users[#users + 1] = id end
if #users > 0 then
  table.sort(users)
  return { 'used', unpack(users, 1, math.min(#users, 1000)) }
end
redis.call('HDEL', P .. 'calendars', args.name)
redis.call('ZREM', P .. 'calendar-names', args.name)
redis.call('INCR', P .. 'calendars-revision')
conclude()
return { 'deleted' }
