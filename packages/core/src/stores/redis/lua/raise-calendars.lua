-- Where the schedules of a store lie in several cells: makes what was computed with earlier calendars be refused here.
-- args     { revision, name or false }
-- returns  { revision now, the first schedules of this cell that refer to the calendar … }
local stored = tonumber(call('GET', P .. 'calendars-revision') or '0')
if args.revision > stored then
  call('SET', P .. 'calendars-revision', text(args.revision))
  stored = args.revision
end
if not args.name then return { text(stored) } end
return { text(stored), unpack(call('ZRANGE', P .. 'users:' .. args.name, 0, 999)) }
