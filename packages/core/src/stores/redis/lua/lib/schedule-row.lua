-- A schedule as it is answered: { s:ID, d:ID, its last run } or false; the last run is { member, st, l, en } or nothing.
local function scheduleRow(id)
  local s = call('GET', P .. 's:' .. id)
  if not s then return false end
  local last = call('ZREVRANGE', P .. 'h:' .. id, 0, 0)[1]
  local run = {}
  if last then
    local v = call('HMGET', P .. 'r:' .. id .. '@' .. last, 'st', 'l', 'en')
    run = { last, v[1], v[2] or '', v[3] or '' }
  end
  return { s, call('HGETALL', P .. 'd:' .. id), run }
end
