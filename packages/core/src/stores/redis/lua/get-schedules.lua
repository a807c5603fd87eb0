-- args     { ids }
-- returns  per id a schedule row, or false
-- include  schedules runs history schedule-row
local answers = {}
for i, id in ipairs(args.ids) do answers[i] = scheduleRow(id) end
return answers
