-- A run as it is answered: { id, r:ID, x:ID, a:ID } or false.
local function runRow(id)
  local r = redis.call('HGETALL', P .. 'r:' .. id)
  if #r == 0 then return false end
  return { id, r, redis.call('HGETALL', P .. 'x:' .. id), redis.call('LRANGE', P .. 'a:' .. id, 0, -1) }
end
