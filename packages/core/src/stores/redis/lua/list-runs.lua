-- One page of the runs of all schedules, the newest first.
-- args     { limit, before = { number, id } or false, task or false, statuses = { status… } or false }
-- returns  run rows, at most limit
-- include  runs run-row
local LOOKED_AT_ONCE = 100
local from = args.before and args.before[1] or '+inf'

local function isBefore(no, id)
  return not args.before or no < tonumber(args.before[1]) or id < args.before[2]
end

local function later(a, b)
  if a[1] ~= b[1] then return a[1] > b[1] end
  return a[2] > b[2]
end

local function fits(id, task, status)
  if not task and not status then return true end
  local r = loadRun(id)
  return (not task or r.task == task) and (not status or r.st == status)
end

-- A walk along an index, the newest first: `next` answers { number, id } or nil.
local function walk(key, task, status)
  local found, position, offset, ended = {}, 1, 0, false
  return function()
    while true do
      if position > #found then
        if ended then return nil end
        found = call('ZREVRANGEBYSCORE', key, from, '-inf', 'WITHSCORES', 'LIMIT', offset, LOOKED_AT_ONCE)
        ended = #found < 2 * LOOKED_AT_ONCE
        offset = offset + LOOKED_AT_ONCE
        position = 1
        if #found == 0 then return nil end
      end
      local id, no = found[position], tonumber(found[position + 1])
      position = position + 2
      if isBefore(no, id) and fits(id, task, status) then return { no, id } end
    end
  end
end

local function walkHeld()
  local found = {}
  for _, session in ipairs(call('ZRANGE', P .. 'holders', 0, -1)) do
    for _, id in ipairs(call('SMEMBERS', P .. 'held:' .. session)) do
      local no = tonumber(loadRun(id).no)
      if isBefore(no, id) and fits(id, args.task) then found[#found + 1] = { no, id } end
    end
  end
  table.sort(found, later)
  local position = 0
  return function()
    position = position + 1
    return found[position]
  end
end

local walks = {}
local function ofTasks(status)
  local tasks = args.task and { args.task } or call('SMEMBERS', P .. 'tasks')
  for _, task in ipairs(tasks) do walks[#walks + 1] = walk(P .. 'task:' .. task, nil, status) end
end
if not args.statuses then ofTasks(nil) end
for _, status in ipairs(args.statuses or {}) do
  if status == 'succeeded' then
    ofTasks(status)
  elseif status == 'running' then
    walks[#walks + 1] = walkHeld()
  elseif status == 'pending' or status == 'retrying' then
    walks[#walks + 1] = walk(P .. 'waiting', args.task, status)
  else
    walks[#walks + 1] = walk(P .. 'end:' .. status, args.task, nil)
  end
end

local heads, rows = {}, {}
for i, next in ipairs(walks) do heads[i] = next() or false end
while #rows < args.limit do
  local best = nil
  for i = 1, #walks do
    if heads[i] and (not best or later(heads[i], heads[best])) then best = i end
  end
  if not best then break end
  rows[#rows + 1] = runRow(heads[best][2])
  heads[best] = walks[best]() or false
end
return rows
