-- Active schedules that are due, of the shards named, and of all shards what was left lying.
-- args     { limit, own = { shard… }, others = { shard… }, backlogAfterMs, onTimeShare }
-- returns  { now, next due time or false, revision of the calendars, { id, revision, fire time, due, fires, calendars,
--            stretched }… }
-- include  schedules
local limit = args.limit
local lying = text(now - args.backlogAfterMs)
local shards = #args.own + #args.others

-- A part of each shard, for a burst is spread over all of them; what is cut off shows in `more`.
local function due(of, from, to, most, found)
  if most <= 0 then return true end
  local part = math.ceil(most / #of) + 8
  local more = false
  for _, shard in ipairs(of) do
    local rows = call('ZRANGEBYSCORE', P .. 'due:' .. shard, from, to, 'WITHSCORES', 'LIMIT', 0, part)
    for i = 1, #rows, 2 do found[#found + 1] = { rows[i], tonumber(rows[i + 1]) } end
    if #rows == 2 * part then more = true end
  end
  table.sort(found, function(a, b)
    if a[2] ~= b[2] then return a[2] < b[2] end
    return a[1] < b[1]
  end)
  return more
end

local all = {}
for _, shard in ipairs(args.own) do all[#all + 1] = shard end
for _, shard in ipairs(args.others) do all[#all + 1] = shard end
local onTime, backlog = {}, {}
local more = #args.own > 0 and due(args.own, '(' .. lying, nowText, limit, onTime) or false
local shownOnTime = math.min(#onTime, limit)
local room = math.max(limit - shownOnTime, limit - math.ceil(limit * args.onTimeShare))
more = due(all, '-inf', lying, room, backlog) or more
local shownBacklog = math.min(#backlog, room)
shownOnTime = math.min(shownOnTime, limit - shownBacklog)
more = more or #backlog > shownBacklog or #onTime > shownOnTime

local rows = {}
local function show(id, dueAt)
  local s = loadSchedule(id)
  rows[#rows + 1] = { id, s.rev, s.ft, text(dueAt), s.n, s.cr, s.sx }
end
local keys = {}
for i = 1, shownBacklog do keys[#keys + 1] = P .. 's:' .. backlog[i][1] end
for i = 1, shownOnTime do keys[#keys + 1] = P .. 's:' .. onTime[i][1] end
fetch(keys)
for i = 1, shownBacklog do show(backlog[i][1], backlog[i][2]) end
for i = 1, shownOnTime do show(onTime[i][1], onTime[i][2]) end

local nextDue = more and now or math.huge
if not more then
  for _, shard in ipairs(args.own) do
    local first = call('ZRANGEBYSCORE', P .. 'due:' .. shard, '(' .. nowText, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
    if first[2] then nextDue = math.min(nextDue, tonumber(first[2])) end
  end
  for _, shard in ipairs(args.others) do
    local first = call('ZRANGEBYSCORE', P .. 'due:' .. shard, '(' .. lying, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
    if first[2] then nextDue = math.min(nextDue, tonumber(first[2]) + args.backlogAfterMs) end
  end
end
return { nowText, nextDue < math.huge and text(nextDue), call('GET', P .. 'calendars-revision') or '0', rows }
