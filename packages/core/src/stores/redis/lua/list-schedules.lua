-- One page of schedules by id.
-- args     { after, prefix, state, task, calendar: each a text or false, limit }
-- returns  schedule rows, at most limit
-- include  schedules schedule-row
local LOOKED_AT_ONCE = 200

local function fits(id)
  if args.state and loadSchedule(id).st ~= args.state then return false end
  if args.task and call('HGET', P .. 'd:' .. id, 'task') ~= args.task then return false end
  return not args.calendar or call('SISMEMBER', P .. 'users:' .. args.calendar, id) == 1
end

local from = args.prefix and '[' .. args.prefix or '-'
if args.after and (not args.prefix or args.after >= args.prefix) then from = '(' .. args.after end
-- Ids are ASCII, so every id with this prefix sorts below the prefix followed by the last ASCII character.
local to = args.prefix and '(' .. args.prefix .. '\127' or '+'
local rows = {}
while #rows < args.limit do
  local ids = call('ZRANGEBYLEX', P .. 'ids', from, to, 'LIMIT', 0, LOOKED_AT_ONCE)
  for _, id in ipairs(ids) do
    if #rows < args.limit and fits(id) then rows[#rows + 1] = scheduleRow(id) end
  end
  if #ids < LOOKED_AT_ONCE then break end
  from = '(' .. ids[#ids]
end
return rows
