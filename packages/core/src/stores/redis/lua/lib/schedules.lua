-- The hot part of a schedule is s:ID, one text, for each fire reads and writes all of it:
--   revision|state|fire time|due|tz|high-water mark|fires|failures in a row|revision of the calendars|delay after a run|shard
-- with nothing between the bars where there is none. The rest, which no fire reads or writes, is the hash d:ID:
--   def definition   task   why reason of the state   at created   up updated   pause pause after so many failures
--   hist rule for the history   cal names of calendars   policy delivery, priority and group
-- due:SHARD has the active ones with a fire time by due time; `count` counts by state and by tz. `failing` and `after-run`
-- have the schedules with failures, and those that fire after the end of a run: mostly there are none, and then the end
-- of a run need not look at its schedule.

local FIELD = '([^|]*)'
local SCHEDULE = '^' .. string.rep(FIELD .. '|', 10) .. FIELD .. '$'

-- nil when there is none. What is absent is an empty text.
local function loadSchedule(id)
  local packed = call('GET', P .. 's:' .. id)
  if not packed then return nil end
  local rev, st, ft, due, tz, hw, n, f, cr, ar, sh = string.match(packed, SCHEDULE)
  return { id = id, rev = rev, st = st, ft = ft, due = due, tz = tz, hw = hw, n = n, f = f, cr = cr, ar = ar, sh = sh }
end

-- Where each schedule stands in the index is written once per script: { shard, due or false } by id.
local moved = {}
atEnd(function()
  for id, place in pairs(moved) do
    if place[2] then
      collect('ZADD', P .. 'due:' .. place[1], place[2], id)
    else
      collect('ZREM', P .. 'due:' .. place[1], id)
    end
  end
end)

-- Writes a schedule that was loaded as { st, due, tz } = `st`, `due` and `tz`; an `st` of '' is one that was not there.
local function saveSchedule(s, st, due, tz)
  call('SET', P .. 's:' .. s.id, s.rev .. '|' .. s.st .. '|' .. s.ft .. '|' .. s.due .. '|' .. s.tz .. '|' .. s.hw .. '|'
    .. s.n .. '|' .. s.f .. '|' .. s.cr .. '|' .. s.ar .. '|' .. s.sh)
  local wasDue = st == 'active' and due or ''
  local isDue = s.st == 'active' and s.due or ''
  if wasDue ~= isDue then moved[s.id] = { s.sh, isDue ~= '' and isDue } end
  local wasTz = wasDue ~= '' and tz or ''
  local isTz = isDue ~= '' and s.tz or ''
  if wasTz ~= isTz then
    if wasTz ~= '' then add('count', 'tz:' .. wasTz, -1) end
    if isTz ~= '' then add('count', 'tz:' .. isTz, 1) end
  end
  if st ~= s.st then
    if st ~= '' then add('count', st, -1) end
    add('count', s.st, 1)
  end
end

-- Of a schedule that fires after the end of its last run: takes the fire time away, or gives it one.
local function timeAfterRun(id)
  local s = loadSchedule(id)
  if not s or s.ar == '' then return end
  local open = tonumber(call('GET', P .. 'o:' .. id) or '0') > 0
  if open ~= (s.ft ~= '') then return end
  local due = s.due
  s.ft = open and '' or text(now + tonumber(s.ar))
  s.due = s.ft
  saveSchedule(s, s.st, due, s.tz)
  hints.due = true
end
