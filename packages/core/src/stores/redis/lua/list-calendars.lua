-- args     { after, limit }
-- returns  calendars as JSON, by name
local rows = {}
for i, name in ipairs(call('ZRANGEBYLEX', P .. 'calendar-names', args.after == '' and '-' or '(' .. args.after, '+', 'LIMIT',
  0, args.limit)) do
  rows[i] = call('HGET', P .. 'calendars', name)
end
return rows
