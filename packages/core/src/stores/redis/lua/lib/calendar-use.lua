-- Which schedules refer to a calendar is users:CALENDAR, in the order of their ids.

-- From now on the schedule refers to these and no others; false: to none.
local function refer(id, names)
  local before = call('HGET', P .. 'd:' .. id, 'cal')
  if before then
    for _, name in ipairs(cjson.decode(before)) do call('ZREM', P .. 'users:' .. name, id) end
    call('HDEL', P .. 'd:' .. id, 'cal')
  end
  if not names then return end
  for _, name in ipairs(names) do call('ZADD', P .. 'users:' .. name, 0, id) end
  call('HSET', P .. 'd:' .. id, 'cal', cjson.encode(names))
end
