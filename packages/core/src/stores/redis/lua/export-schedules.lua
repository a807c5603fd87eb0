-- One page of schedules by id, each with the runs of it that are open, or a part of it: see list-schedules.
-- args     { after or false, limit }
-- returns  { { schedule row, open run rows }, at most limit; the id after which to look on, or false at the end }
-- include  says schedules runs history endings open-runs schedule-row run-row
local LOOKED_AT_MOST = 1000
local ids = call('ZRANGEBYLEX', P .. 'ids', args.after and '(' .. args.after or '-', '+', 'LIMIT', 0, args.limit)
local keys = {}
for i, id in ipairs(ids) do
  keys[2 * i - 1] = P .. 's:' .. id
  keys[2 * i] = P .. 'o:' .. id
end
fetch(keys)
local going = {}
for _, id in ipairs(ids) do
  if openOf(id) > 0 then going[#going + 1] = loadSchedule(id) end
end
settleToRead(going)
local found, looked = {}, 0
for i, id in ipairs(ids) do
  local open = {}
  for n, r in ipairs(openRuns(id)) do open[n] = runRow(r.id) end
  found[i] = { scheduleRow(id), open }
  looked = looked + 1 + #open
  if looked >= LOOKED_AT_MOST and i < #ids then return { found, id } end
end
return { found, #ids == args.limit and ids[#ids] or false }
