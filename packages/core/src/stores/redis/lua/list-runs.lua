-- One page of the runs of all schedules, the newest first, or a part of it: see list-schedules.
-- args     { limit, before = { number, id } or false, task or false, statuses = { status… } or false }
-- returns  { run rows, at most limit; before what to look on, or false at the end }
-- include  runs run-row
local LOOKED_AT_MOST = 1000
local from = args.before and args.before[1] or '+inf'
local walks = {}

local function isBefore(no, id)
  return not args.before or tonumber(no) < tonumber(args.before[1]) or id < args.before[2]
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

-- A walk along an index, the newest first: `next` answers { number, id, its text } or nil. Each walk has its share of what
-- may be looked at; then it answers how far it came, with `isUnseen`.
local function walk(key, task, status)
  local found, position, offset, looked, ended = {}, 1, 0, 0, false
  local share = math.max(10, math.ceil(LOOKED_AT_MOST / #walks))
  local atOnce = math.min(100, share)
  local last = nil
  return function()
    while true do
      if position > #found then
        if ended then return nil end
        if looked >= share then return { last[1], last[2], last[3], isUnseen = true } end
        found = call('ZREVRANGEBYSCORE', key, from, '-inf', 'WITHSCORES', 'LIMIT', offset, atOnce)
        ended = #found < 2 * atOnce
        offset = offset + atOnce
        position = 1
        if #found == 0 then return nil end
        local keys = {}
        for i = 1, #found, 2 do keys[#keys + 1] = P .. 'r:' .. found[i] end
        if task or status then fetch(keys) end
      end
      local id, no = found[position], found[position + 1]
      position = position + 2
      if isBefore(no, id) then
        looked = looked + 1
        last = { tonumber(no), id, no }
        if fits(id, task, status) then return last end
      end
    end
  end
end

local function walkHeld()
  local found = {}
  for _, session in ipairs(call('ZRANGE', P .. 'holders', 0, -1)) do
    for _, id in ipairs(call('SMEMBERS', P .. 'held:' .. session)) do
      local no = loadRun(id).no
      if isBefore(no, id) and fits(id, args.task) then found[#found + 1] = { tonumber(no), id, no } end
    end
  end
  table.sort(found, later)
  local position = 0
  return function()
    position = position + 1
    return found[position]
  end
end

-- Each as the arguments of `walk`, until all are known.
local function ofTasks(status)
  local tasks = args.task and { args.task } or call('SMEMBERS', P .. 'tasks')
  for _, task in ipairs(tasks) do walks[#walks + 1] = { P .. 'task:' .. task, nil, status } end
end
if not args.statuses then ofTasks(nil) end
for _, status in ipairs(args.statuses or {}) do
  if status == 'succeeded' then
    ofTasks(status)
  elseif status == 'running' then
    walks[#walks + 1] = {}
  elseif status == 'pending' or status == 'retrying' then
    walks[#walks + 1] = { P .. 'waiting', args.task, status }
  else
    walks[#walks + 1] = { P .. 'end:' .. status, args.task, nil }
  end
end
for i, w in ipairs(walks) do walks[i] = w[1] and walk(w[1], w[2], w[3]) or walkHeld() end

local heads, rows = {}, {}
for i, next in ipairs(walks) do heads[i] = next() or false end
while true do
  local best = nil
  for i = 1, #walks do
    if heads[i] and (not best or later(heads[i], heads[best])) then best = i end
  end
  if not best then return { rows, false } end
  local head = heads[best]
  local place = { head[3], head[2] }
  if head.isUnseen then return { rows, place } end
  rows[#rows + 1] = runRow(head[2])
  if #rows == args.limit then return { rows, place } end
  heads[best] = walks[best]() or false
end
