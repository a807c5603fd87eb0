-- Active schedules that are due, of the shards named, and of all shards what was left lying.
-- args     { limit, own = { shard… }, others = { shard… }, backlogAfterMs, onTimeShare }
-- returns  { now, next due time or false, revision of the calendars, { id, s:ID … } }
-- include  schedules
local limit = args.limit
local lying = text(now - args.backlogAfterMs)

-- The ids of those that are due in between, by due time; and whether there are more. A part of each shard, for a burst is
-- spread over all of them. Many are due at the same instants: only these are sorted.
-- Of the shards of others one sees the latest: whoever looks after them begins at the other end, so that two nodes that are
-- both behind do not do the same.
local function due(own, others, from, to, most)
  local found = {}
  if most <= 0 then return found, true end
  local part = math.ceil(most / (#own + #others)) + 8
  local more = false
  local instants, at = {}, {}
  for n = 1, #own + #others do
    local rows
    if n <= #own then
      rows = call('ZRANGEBYSCORE', P .. 'due:' .. own[n], from, to, 'WITHSCORES', 'LIMIT', 0, part)
    else
      rows = call('ZREVRANGEBYSCORE', P .. 'due:' .. others[n - #own], to, from, 'WITHSCORES', 'LIMIT', 0, part)
    end
    for i = 1, #rows, 2 do
      local instant = tonumber(rows[i + 1])
      local ids = at[instant]
      if not ids then
        ids = {}
        at[instant] = ids
        instants[#instants + 1] = instant
      end
      ids[#ids + 1] = rows[i]
    end
    if #rows == 2 * part then more = true end
  end
  table.sort(instants)
  for _, instant in ipairs(instants) do
    for _, id in ipairs(at[instant]) do found[#found + 1] = id end
  end
  return found, more
end

local onTime, more = {}, false
if #args.own > 0 then onTime, more = due(args.own, {}, '(' .. lying, nowText, limit) end
local shownOnTime = math.min(#onTime, limit)
local room = math.max(limit - shownOnTime, limit - math.ceil(limit * args.onTimeShare))
local backlog, moreBacklog = due(args.own, args.others, '-inf', lying, room)
local shownBacklog = math.min(#backlog, room)
shownOnTime = math.min(shownOnTime, limit - shownBacklog)
more = more or moreBacklog or #backlog > shownBacklog or #onTime > shownOnTime

local shown, keys = {}, {}
for i = 1, shownBacklog do shown[i] = backlog[i] end
for i = 1, shownOnTime do shown[#shown + 1] = onTime[i] end
for i, id in ipairs(shown) do keys[i] = P .. 's:' .. id end
fetch(keys)
local rows = {}
for i, id in ipairs(shown) do
  rows[2 * i - 1] = id
  rows[2 * i] = texts[keys[i]]
end

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
