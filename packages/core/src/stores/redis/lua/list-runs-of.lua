-- One page of the runs of a schedule, the newest fire time first.
-- args     { schedule, limit, before = { fireTime, member } or false, task or false, statuses = { status = true… } or false }
-- returns  run rows, at most limit
-- include  runs run-row
local LOOKED_AT_ONCE = 200
local key = P .. 'h:' .. args.schedule

local function fits(id, member, score)
  if args.before and score == args.before[1] and member >= args.before[2] then return false end
  if not args.task and not args.statuses then return true end
  local r = loadRun(id)
  return (not args.task or r.task == args.task) and (not args.statuses or args.statuses[r.st] == true)
end

local rows = {}
local offset = 0
while #rows < args.limit do
  local found = call('ZREVRANGEBYSCORE', key, args.before and args.before[1] or '+inf', '-inf', 'WITHSCORES', 'LIMIT',
    offset, LOOKED_AT_ONCE)
  for i = 1, #found, 2 do
    local id = args.schedule .. '@' .. found[i]
    if #rows < args.limit and fits(id, found[i], found[i + 1]) then rows[#rows + 1] = runRow(id) end
  end
  if #found < 2 * LOOKED_AT_ONCE then break end
  offset = offset + LOOKED_AT_ONCE
end
return rows
