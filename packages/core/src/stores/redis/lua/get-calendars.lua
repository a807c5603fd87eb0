-- args     { names }
-- returns  { revision of all, { calendar as JSON or '' per name } }
local found = {}
for i, name in ipairs(args.names) do found[i] = call('HGET', P .. 'calendars', name) or '' end
return { call('GET', P .. 'calendars-revision') or '0', found }
