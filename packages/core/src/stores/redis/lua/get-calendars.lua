-- args     { names }
-- returns  { revision of all, { calendar as JSON or '' per name } }
local found = {}
for i, name in ipairs(args.names) do found[i] = redis.call('HGET', P .. 'calendars', name) or '' end
return { redis.call('GET', P .. 'calendars-revision') or '0', found }
