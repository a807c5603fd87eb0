-- One page of schedules by id, or a part of it: no step looks at so many that it holds others up.
-- args     { after, prefix, state, task, calendar: each a text or false, limit }
-- returns  { schedule rows, at most limit; the id after which to look on, or false at the end }
-- include  schedules runs history schedule-row
local LOOKED_AT_ONCE = 200
local LOOKED_AT_MOST = 1000

local function fits(id)
  if args.state and loadSchedule(id).st ~= args.state then return false end
  return not args.task or call('HGET', P .. 'd:' .. id, 'task') == args.task
end

local index = args.calendar and P .. 'users:' .. args.calendar or P .. 'ids'
local from = args.prefix and '[' .. args.prefix or '-'
if args.after and (not args.prefix or args.after >= args.prefix) then from = '(' .. args.after end
-- Ids are ASCII, so every id with this prefix sorts below the prefix followed by the last ASCII character.
local to = args.prefix and '(' .. args.prefix .. '\127' or '+'
local rows, last = {}, false
for _ = 1, LOOKED_AT_MOST / LOOKED_AT_ONCE do
  local ids = call('ZRANGEBYLEX', index, from, to, 'LIMIT', 0, LOOKED_AT_ONCE)
  local keys = {}
  for i, id in ipairs(ids) do keys[i] = P .. 's:' .. id end
  if args.state then fetch(keys) end
  for _, id in ipairs(ids) do
    if fits(id) then rows[#rows + 1] = scheduleRow(id) end
    last = id
    if #rows == args.limit then return { rows, last } end
  end
  if #ids < LOOKED_AT_ONCE then return { rows, false } end
  from = '(' .. last
end
return { rows, last }
