-- One page of the runs of a schedule, the newest fire time first, or a part of it: see list-schedules.
-- args     { schedule, limit, before = { fireTime, member } or false, task or false, statuses = { status = true… } or false }
-- returns  { run rows, at most limit; before what to look on, or false at the end }
-- include  schedules runs history run-row
local LOOKED_AT_ONCE = 200
local LOOKED_AT_MOST = 1000
local key = P .. 'h:' .. args.schedule
local s = loadSchedule(args.schedule)
settleToRead({ s })
local isFiltered = args.task or args.statuses

local function fits(id)
  if not isFiltered then return true end
  local r = loadRun(id)
  return (not args.task or r.task == args.task) and (not args.statuses or args.statuses[r.st] == true)
end

local rows, last = {}, false
local offset, looked = 0, 0
while looked < LOOKED_AT_MOST do
  local found = call('ZREVRANGEBYSCORE', key, args.before and args.before[1] or '+inf', '-inf', 'WITHSCORES', 'LIMIT',
    offset, LOOKED_AT_ONCE)
  local keys = {}
  for i = 1, #found, 2 do keys[#keys + 1] = P .. 'r:' .. args.schedule .. '@' .. found[i] end
  if isFiltered then fetch(keys) end
  for i = 1, #found, 2 do
    local member, score = found[i], found[i + 1]
    if not (args.before and score == args.before[1] and member >= args.before[2]) then
      looked = looked + 1
      last = { score, member }
      local id = args.schedule .. '@' .. member
      if fits(id) then rows[#rows + 1] = runRow(id) end
      if #rows == args.limit then return { rows, last } end
    end
  end
  if #found < 2 * LOOKED_AT_ONCE then return { rows, false } end
  offset = offset + LOOKED_AT_ONCE
end
return { rows, last }
