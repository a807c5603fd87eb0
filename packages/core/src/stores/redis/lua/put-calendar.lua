-- Creates or changes a calendar.
-- args     { name, definition, expect = its revision, 0 for absent, all = revision of all that other cells were told of,
--            or false }
-- returns  { outcome, the calendar as JSON or '' }; the outcome `stale`: other cells have to be told of a higher one
local before = call('HGET', P .. 'calendars', args.name)
local stored = before and cjson.decode(before)
if (stored and stored.revision or 0) ~= args.expect then return { 'conflict', before or '' } end
if args.all and tonumber(call('GET', P .. 'calendars-revision') or '0') ~= args.all - 1 then return { 'stale', '' } end
local revision = call('INCR', P .. 'calendars-revision')
local calendar = '{"name":' .. cjson.encode(args.name) .. ',"definition":' .. args.definition .. ',"revision":' .. text(revision)
  .. ',"createdAt":' .. (stored and text(stored.createdAt) or nowText) .. ',"updatedAt":' .. nowText .. '}'
call('HSET', P .. 'calendars', args.name, calendar)
call('ZADD', P .. 'calendar-names', 0, args.name)
conclude()
return { stored and 'updated' or 'created', calendar }
