-- Writes schedules of another store with their open runs, each unless it is no longer as it was when that was decided.
-- args     { items = { { id, seen = s:ID or '', grave seen = revision or '', { s:ID but for its shard and how far its history is settled, in its order },
--            shard, { names and values of d:ID }, { calendars } or false, mark there or '', { runs: see lib/imports.lua } }… } }
-- returns  '0' or '1' per item: whether it was written
-- include  says schedules runs history endings open-runs calendar-use imports
local function cancelOthers(id, mark, runs)
  local waitsThere = {}
  for _, q in ipairs(runs) do waitsThere[q[1]] = true end
  for _, r in ipairs(openRuns(id)) do
    local isOurs = r.kind == '' and tonumber(r.member) > (tonumber(mark) or -math.huge)
    if r.st ~= 'running' and not isOurs and not waitsThere[r.id] then endRun(r, 'cancelled', SAYS.notOpenThere) end
  end
end

local function mark(set, id, isIn)
  call(isIn and 'SADD' or 'SREM', P .. set, id)
end

local function import(item)
  local id, fields, runs = item[1], item[4], item[9]
  local packed = get(P .. 's:' .. id) or ''
  if packed ~= item[2] or (call('HGET', P .. 't:' .. id, 'rev') or '') ~= item[3] then return '0' end
  local s = loadSchedule(id)
  if not s then
    s = { id = id, sh = item[5], hw = '', ix = '', was = { '', '', '' } }
    call('ZADD', P .. 'ids', 0, id)
    call('ZREM', P .. 'graves', id)
    call('ZREM', P .. 'tombstones', id)
    call('DEL', P .. 't:' .. id)
  end
  raiseMark(s, fields[6])
  s.rev, s.st, s.ft, s.tz, s.due, s.n, s.f = fields[1], fields[2], fields[3], fields[4], fields[5], fields[7], fields[8]
  s.cr, s.ar, s.sx = fields[9], fields[10], fields[11]
  refer(id, item[7])
  call('HDEL', P .. 'd:' .. id, 'why', 'pause', 'hist')
  call('HSET', P .. 'd:' .. id, unpack(item[6]))
  mark('failing', id, s.f ~= '0')
  mark('after-run', id, s.ar ~= '')
  saveSchedule(s)
  cancelOthers(id, item[8], runs)
  for _, q in ipairs(runs) do restoreRun(q) end
  unblock(id)
  timeAfterRun(id)
  if s.due ~= '' and tonumber(s.due) < now + 1000 then hints.due = true end
  return '1'
end

whenThereIsRoom()
local answers = {}
for i, item in ipairs(args.items) do answers[i] = import(item) end
conclude()
publish()
return table.concat(answers)
