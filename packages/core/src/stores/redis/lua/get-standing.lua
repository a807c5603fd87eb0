-- What is there of schedules before others are imported over them.
-- args     { ids }
-- returns  per id { schedule row or false, revision and high-water mark of a deleted namesake, false where there is none }
-- include  schedules runs history schedule-row
local answers = {}
for i, id in ipairs(args.ids) do
  local grave = call('HMGET', P .. 't:' .. id, 'rev', 'hw')
  answers[i] = { scheduleRow(id), grave[1], grave[2] }
end
return answers
