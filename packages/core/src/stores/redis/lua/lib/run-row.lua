-- A run as it is answered, after what the script wrote of it: { id, r:ID, x:ID, a:ID } or false.
local function runRow(id)
  local r = call('GET', P .. 'r:' .. id)
  if not r then return false end
  return { id, r, call('HGETALL', P .. 'x:' .. id), call('LRANGE', P .. 'a:' .. id, 0, -1) }
end
