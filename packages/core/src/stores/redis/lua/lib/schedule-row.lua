-- A schedule as it is answered: { s:ID, d:ID, its last run } or false; the last run is { member, st, sa, en } or nothing.
local function scheduleRow(id)
  local s = redis.call('HGETALL', P .. 's:' .. id)
  if #s == 0 then return false end
  local last = redis.call('ZREVRANGE', P .. 'h:' .. id, 0, 0)[1]
  local run = {}
  if last then
    local v = redis.call('HMGET', P .. 'r:' .. id .. '@' .. last, 'st', 'sa', 'en')
    run = { last, v[1], v[2] or '', v[3] or '' }
  end
  return { s, redis.call('HGETALL', P .. 'd:' .. id), run }
end
