-- A run as it is answered: { id, r:ID, x:ID, a:ID } or false.
local function runRow(id)
  local r = call('HGETALL', P .. 'r:' .. id)
  if #r == 0 then return false end
  return { id, r, call('HGETALL', P .. 'x:' .. id), call('LRANGE', P .. 'a:' .. id, 0, -1) }
end
