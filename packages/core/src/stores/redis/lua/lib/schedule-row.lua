-- A schedule as it is answered: { s:ID, d:ID, its last run } or false; the last run is { id, r:ID } or nothing.
local function scheduleRow(id)
  local s = loadSchedule(id)
  if not s then return false end
  local last = newestOf(s)
  local run = last and { last, call('GET', P .. 'r:' .. last) } or {}
  return { packedSchedule(s), call('HGETALL', P .. 'd:' .. id), run }
end
