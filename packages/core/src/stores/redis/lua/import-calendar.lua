-- Writes a calendar of another store.
-- args     { name, calendar = its JSON, seen = revision of all when that was decided, all = what that becomes }
-- returns  1; 0 when the calendars have changed since, and nothing was written
if tonumber(call('GET', P .. 'calendars-revision') or '0') ~= args.seen then return 0 end
call('SET', P .. 'calendars-revision', text(args.all))
call('HSET', P .. 'calendars', args.name, args.calendar)
call('ZADD', P .. 'calendar-names', 0, args.name)
conclude()
return 1
