-- The hot part of a schedule is s:ID, one text, for each fire reads and writes all of it:
--   revision|state|fire time|tz version of the time zone database|due|high-water mark|fires|failures in a row|shard|
--   revision of the calendars|delay after a run|interval that led to the fire time, where load had stretched it|
--   mark up to which its history is complete, see lib/history.lua
-- with nothing between the bars where there is none. The rest, which no fire reads or writes, is the hash d:ID:
--   def definition   task   why reason of the state   at created   up updated   pause pause after so many failures
--   hist rule for the history   cal names of calendars   policy delivery, priority and group
-- due:SHARD has the active ones with a fire time by due time; `count` counts by state and by tz. `failing` and `after-run`
-- have the schedules with failures, and those that fire after the end of a run: mostly there are none, and then the end
-- of a run need not look at its schedule.

local FIELD = '([^|]*)'
local SCHEDULE = '^' .. string.rep(FIELD .. '|', 12) .. FIELD .. '$'

local schedules = {}

-- nil when there is none. What is absent is an empty text. Whoever changes it calls `saveSchedule`.
local function loadSchedule(id)
  local s = schedules[id]
  if s then return s end
  local packed = get(P .. 's:' .. id)
  if not packed then return nil end
  local rev, st, ft, tz, due, hw, n, f, sh, cr, ar, sx, ix = string.match(packed, SCHEDULE)
  s = { id = id, rev = rev, st = st, ft = ft, due = due, tz = tz, hw = hw, n = n, f = f, cr = cr, ar = ar, sh = sh,
    sx = sx, ix = ix, was = { st, due, tz } }
  schedules[id] = s
  return s
end

-- Moves a schedule from where it stood in the index and in the counts to where it stands now.
local function place(s, st, due, tz)
  local wasSt, wasDue, wasTz = s.was[1], s.was[2], s.was[3]
  wasDue = wasSt == 'active' and wasDue or ''
  wasTz = wasDue ~= '' and wasTz or ''
  local isDue = st == 'active' and due or ''
  local isTz = isDue ~= '' and tz or ''
  if isDue == '' then
    if wasDue ~= '' then collect('ZREM', P .. 'due:' .. s.sh, s.id) end
  elseif isDue ~= wasDue then
    collect('ZADD', P .. 'due:' .. s.sh, isDue, s.id)
  end
  if wasTz ~= isTz then
    if wasTz ~= '' then add('count', 'tz:' .. wasTz, -1) end
    if isTz ~= '' then add('count', 'tz:' .. isTz, 1) end
  end
  if wasSt ~= st then
    if wasSt ~= '' then add('count', wasSt, -1) end
    if st ~= '' then add('count', st, 1) end
  end
end

local function packedSchedule(s)
  return s.rev .. '|' .. s.st .. '|' .. s.ft .. '|' .. s.tz .. '|' .. s.due .. '|' .. s.hw .. '|' .. s.n .. '|' .. s.f .. '|'
    .. s.sh .. '|' .. s.cr .. '|' .. s.ar .. '|' .. s.sx .. '|' .. s.ix
end

local saveSchedule = savedAtEnd(schedules, function(s)
  if s.isDeleted then
    place(s, '', '', '')
  else
    place(s, s.st, s.due, s.tz)
    set(P .. 's:' .. s.id, packedSchedule(s))
  end
end)

-- How many runs of a schedule are open.
local function openOf(id)
  return tonumber(get(P .. 'o:' .. id) or '0')
end

local function countOpen(id, amount)
  local key = P .. 'o:' .. id
  local open = tonumber(get(key) or '0') + amount
  set(key, open == 0 and '0' or open == 1 and '1' or text(open))
end

-- Of a schedule that fires after the end of its last run: takes the fire time away, or gives it one.
local function timeAfterRun(id)
  local s = loadSchedule(id)
  if not s or s.ar == '' then return end
  local open = openOf(id) > 0
  if open ~= (s.ft ~= '') then return end
  s.ft = open and '' or text(now + tonumber(s.ar))
  s.due = s.ft
  saveSchedule(s)
  hints.due = true
end
