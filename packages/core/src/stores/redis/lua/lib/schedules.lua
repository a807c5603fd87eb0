-- The hot part of a schedule is the hash s:ID (absent fields mean none):
--   rev revision   st state   ft fire time   due   tz version of the time zone database   cr revision of the calendars
--   ar delay after a run   hw high-water mark   n fires   f failures in a row   sh its shard
-- The rest, which no fire reads or writes, is the hash d:ID:
--   def definition   task   why reason of the state   at created   up updated   pause pause after so many failures
--   hist rule for the history   cal names of calendars
-- due:SHARD has the active ones with a fire time by due time; `count` counts by state and by tz. `failing` and `after-run`
-- have the schedules with failures, and those that fire after the end of a run: mostly there are none, and then the end
-- of a run need not look at its schedule.

-- Moves a schedule within the index and the counts; `was` and `is` are { state, due, tz }, each false where there is none.
local function place(id, shard, was, is)
  local wasDue = was[1] == 'active' and was[2]
  local isDue = is[1] == 'active' and is[2]
  if isDue then
    if isDue ~= wasDue then
      call('ZADD', P .. 'due:' .. shard, isDue, id)
    end
  elseif wasDue then
    call('ZREM', P .. 'due:' .. shard, id)
  end
  local wasTz = wasDue and was[3]
  local isTz = isDue and is[3]
  if wasTz ~= isTz then
    if wasTz then add('count', 'tz:' .. wasTz, -1) end
    if isTz then add('count', 'tz:' .. isTz, 1) end
  end
  if was[1] ~= is[1] then
    if was[1] then add('count', was[1], -1) end
    if is[1] then add('count', is[1], 1) end
  end
end

-- Of a schedule that fires after the end of its last run: takes the fire time away, or gives it one.
local function timeAfterRun(id)
  local s = call('HMGET', P .. 's:' .. id, 'ar', 'ft', 'st', 'tz', 'due', 'sh')
  if not s[1] then return end
  local open = call('EXISTS', P .. 'o:' .. id) == 1
  if open ~= (s[2] ~= false) then return end
  if open then
    call('HDEL', P .. 's:' .. id, 'ft', 'due')
    place(id, s[6], { s[3], s[5], s[4] }, { s[3], false, s[4] })
  else
    local at = text(now + tonumber(s[1]))
    call('HSET', P .. 's:' .. id, 'ft', at, 'due', at)
    place(id, s[6], { s[3], s[5], s[4] }, { s[3], at, s[4] })
  end
  hints.due = true
end
