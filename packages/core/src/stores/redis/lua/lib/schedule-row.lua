-- A schedule as it is answered: { s:ID, d:ID, its last run } or false; the last run is { id, r:ID } or nothing.
local function scheduleRow(id)
  local s = loadSchedule(id)
  if not s then return false end
  local last = call('ZREVRANGE', P .. 'h:' .. id, 0, 0)[1]
  local run = {}
  if last then
    local runId = id .. '@' .. last
    run = { runId, call('GET', P .. 'r:' .. runId) }
  end
  return { packedSchedule(s), call('HGETALL', P .. 'd:' .. id), run }
end
