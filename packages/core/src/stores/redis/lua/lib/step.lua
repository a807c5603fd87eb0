-- What every script begins with: whose data this is, what time it is, and how times and names are written.
--
-- KEYS[1]  the hash `meta` of a cell; every other key of the cell has the same beginning, and so the same hash tag
-- ARGV[1]  the identity of the store, as the caller found it when it opened it
-- ARGV[2]  the arguments of the verb, as JSON
local P = string.sub(KEYS[1], 1, -5)
local meta = redis.call('HMGET', KEYS[1], 'identity', 'wall', 'ahead', 'number')
if meta[1] ~= ARGV[1] then
  return redis.error_reply('EVERTICK STORE_REPLACED')
end
local args = cjson.decode(ARGV[2])

-- The store's clock follows the server's, but never goes back: where that was set back, or another server with an
-- earlier one took over, it goes on at half its speed until it is caught up with.
local function text(number)
  return string.format('%.0f', number)
end

local wall, ahead
do
  local time = redis.call('TIME')
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
  number = math.max(number + 1, now * 1000)
  return text(number)
end

-- Every script that writes ends with this.
local function conclude()
  redis.call('HSET', KEYS[1], 'wall', text(wall), 'ahead', tostring(ahead), 'number', text(number))
end

-- Redis that is full refuses a script whose first write needs memory, and no later one: a script that begins with this
-- is refused whole.
local function whenThereIsRoom()
  redis.call('HSET', KEYS[1], 'wall', text(wall))
end

-- What must succeed all the same begins with this.
local function evenWhenFull()
  redis.call('DEL', P .. 'nothing')
end

-- Hints are published once per script, at its end.
local hints = {}
local function publish()
  for hint in pairs(hints) do
    redis.call('PUBLISH', P .. 'hints', hint)
  end
end
