-- What every script begins with: whose data this is, what time it is, and how times and names are written.
--
-- KEYS[1]  the hash `meta` of a cell; every other key of the cell has the same beginning, and so the same hash tag
-- ARGV[1]  the identity of the store, as the caller found it when it opened it
-- ARGV[2]  the arguments of the verb, as JSON
-- ARGV[3]  the server that knows all that the caller saw, by its run id; see lib/server.lua
local call = redis.call
local P = string.sub(KEYS[1], 1, -5)
local meta = call('HMGET', KEYS[1], 'identity', 'wall', 'ahead', 'number')
if meta[1] ~= ARGV[1] then
  return redis.error_reply('EVERTICK STORE_REPLACED')
end
local args = cjson.decode(ARGV[2])

-- A whole number as Redis has it: tostring, which takes half as long, is exact up to 14 digits.
local function text(number)
  if number < 1e14 and number > -1e14 then return tostring(number) end
  return string.format('%.0f', number)
end

-- The store's clock follows the server's, but never goes back: where that was set back, or another server with an
-- earlier one took over, it goes on at half its speed until it is caught up with.
local wall, ahead
do
  local time = call('TIME')
  wall = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
  local last = tonumber(meta[2]) or wall
  ahead = tonumber(meta[3]) or 0
  if wall < last then
    ahead = ahead + (last - wall)
  elseif ahead > 0 then
    ahead = math.max(0, ahead - (wall - last) / 2)
  end
end
local now = math.floor(wall + ahead)
local nowText = text(now)

-- Numbers rise with each run that is created, in all cells alike, for they begin at the time in microseconds.
local number = tonumber(meta[4]) or 0
local function nextNumber()
  local first = now * 1000
  number = math.max(number + 1, first)
  if number < first + 1000 then return nowText .. string.sub(tostring(1000 + number - first), 2) end
  return text(number)
end

-- A call of Redis from a script costs several times what the command itself does. So texts are read many at a time,
-- changed here, and written together at the end: nothing reads them in between but through `get`.
local AT_ONCE = 1000
local texts, written = {}, {}
local function fetch(keys)
  for from = 1, #keys, AT_ONCE do
    local to = math.min(#keys, from + AT_ONCE - 1)
    local found = call('MGET', unpack(keys, from, to))
    for i = from, to do
      if texts[keys[i]] == nil then texts[keys[i]] = found[i - from + 1] end
    end
  end
end

-- False where there is none.
local function get(key)
  local value = texts[key]
  if value == nil then
    value = call('GET', key)
    texts[key] = value
  end
  return value
end

-- The last value counts, however often a key is set.
local function set(key, value)
  texts[key] = value
  written[#written + 1] = key
end

-- What is done to one key for many runs is done once, at the end: nothing looks there in between.
local lists, order = {}, {}
local function collected(command, key)
  local name = command .. key
  local list = lists[name]
  if not list then
    list = { command = command, key = key }
    lists[name] = list
    order[#order + 1] = list
  end
  return list
end

local function collect(command, key, value, second)
  local list = collected(command, key)
  list[#list + 1] = value
  if second then list[#list + 1] = second end
end

local seen = {}
local function collectOnce(command, key, value)
  if seen[value] then return end
  seen[value] = true
  collect(command, key, value)
end

local sums = {}
local function add(hash, field, amount)
  local own = sums[hash]
  if not own then
    own = {}
    sums[hash] = own
  end
  own[field] = (own[field] or 0) + amount
end

local endings = {}
local function atEnd(work)
  endings[#endings + 1] = work
end

-- A record that a script changes is put into words once, at its end, by `write`. Answers what notes it for that, and keeps
-- it in `known` by its id.
local function savedAtEnd(known, write)
  local changed = {}
  atEnd(function()
    for _, record in ipairs(changed) do write(record) end
  end)
  return function(record)
    known[record.id] = record
    if record.saved then return end
    record.saved = true
    changed[#changed + 1] = record
  end
end

-- Every script that writes ends with this.
local function conclude()
  for _, work in ipairs(endings) do work() end
  local pairsOf = {}
  for i, key in ipairs(written) do
    pairsOf[#pairsOf + 1] = key
    pairsOf[#pairsOf + 1] = texts[key]
    if #pairsOf >= AT_ONCE or i == #written then
      call('MSET', unpack(pairsOf))
      pairsOf = {}
    end
  end
  for _, list in ipairs(order) do
    for from = 1, #list, AT_ONCE do
      call(list.command, list.key, unpack(list, from, math.min(#list, from + AT_ONCE - 1)))
    end
  end
  for hash, own in pairs(sums) do
    for field, amount in pairs(own) do
      if amount ~= 0 then call('HINCRBY', P .. hash, field, amount) end
    end
  end
  call('HSET', KEYS[1], 'wall', text(wall), 'ahead', tostring(ahead), 'number', text(number))
end

-- Redis that is full refuses a script whose first write needs memory, and no later one: a script that begins with this
-- is refused whole.
local function whenThereIsRoom()
  call('HSET', KEYS[1], 'wall', text(wall), 'ahead', tostring(ahead))
end

-- What must succeed all the same begins with this.
local function evenWhenFull()
  call('DEL', P .. 'nothing')
end

-- Hints are published once per script, at its end.
local hints = {}
local function publish()
  for hint in pairs(hints) do
    call('PUBLISH', P .. 'hints', hint)
  end
end
