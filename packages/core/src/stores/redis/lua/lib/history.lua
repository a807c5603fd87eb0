-- h:SCHEDULE is the history of a schedule, members by fire time. To enter every fire there as it comes would be a fifth of
-- what a fire costs. So the usual one is not: its run only notes the high-water mark before it, and with that leads to the
-- run before. `ix` of a schedule is the mark up to which its history is complete; what came after is found from run to run,
-- from the mark back to `ix`, and is entered, many at a time, by whoever needs the history (`settle`).

local BEFORE = '^' .. string.rep('[^|]*|', 9) .. '([^|]*)|'

-- Completes the history of schedules. Answers how many runs that took.
local function settle(those)
  local walks, entered = {}, 0
  for _, s in ipairs(those) do
    if s.hw ~= s.ix then walks[#walks + 1] = { s = s, at = s.hw, found = {} } end
  end
  local under = walks
  while #under > 0 do
    local keys, further = {}, {}
    for i, walk in ipairs(under) do keys[i] = P .. 'r:' .. runIdOf(walk.s.id, walk.at) end
    fetch(keys)
    for i, walk in ipairs(under) do
      local packed = texts[keys[i]]
      if packed then
        local found = walk.found
        found[#found + 1] = walk.at
        found[#found + 1] = walk.at
        walk.at = string.match(packed, BEFORE)
        if walk.at ~= '' and walk.at ~= walk.s.ix then further[#further + 1] = walk end
      end
    end
    under = further
  end
  for _, walk in ipairs(walks) do
    local s, found = walk.s, walk.found
    for from = 1, #found, AT_ONCE do
      call('ZADD', P .. 'h:' .. s.id, unpack(found, from, math.min(#found, from + AT_ONCE - 1)))
    end
    entered = entered + #found / 2
    s.ix = s.hw
    saveSchedule(s)
  end
  return entered
end

-- Before a reading: completes what it would miss, also where there is no room for anything new.
local function settleToRead(those)
  local behind = {}
  for _, s in ipairs(those) do
    if s.ix ~= s.hw then behind[#behind + 1] = s end
  end
  if #behind == 0 then return end
  evenWhenFull()
  settle(behind)
  conclude()
end

-- Raises the mark by any other way than the usual fire; what becomes of the fire times up to it is entered at once.
local function raiseMark(s, mark)
  settle({ s })
  s.hw, s.ix = mark, mark
end

-- Adds a run to the history of its schedule, which has been settled; false when it was there already.
local function remember(schedule, member, fireTime)
  return call('ZADD', P .. 'h:' .. schedule, 'NX', fireTime, member) == 1
end

-- The id of the newest run of a schedule, or nil.
local function newestOf(s)
  local newest = call('ZREVRANGE', P .. 'h:' .. s.id, 0, 0, 'WITHSCORES')
  if s.hw ~= s.ix and (not newest[1] or tonumber(newest[2]) < tonumber(s.hw)) then return runIdOf(s.id, s.hw) end
  return newest[1] and runIdOf(s.id, newest[1])
end
