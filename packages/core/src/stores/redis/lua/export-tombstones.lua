-- One page of what is remembered of deleted schedules, those first that will be forgotten first. What another release deleted
-- is not among them: it did not keep when that was.
-- args     { after = { until, id } or false, limit }
-- returns  { { id, revision, high-water mark or false, until }…, after what to look on, or false at the end }
local LOOKED_AT_ONCE = 200
local found, offset = {}, 0
local from = args.after and args.after[1] or '(' .. nowText
while true do
  local ids = call('ZRANGEBYSCORE', P .. 'tombstones', from, '+inf', 'WITHSCORES', 'LIMIT', offset, LOOKED_AT_ONCE)
  for i = 1, #ids, 2 do
    local id, till = ids[i], ids[i + 1]
    if not (args.after and till == args.after[1] and id <= args.after[2]) then
      local grave = call('HMGET', P .. 't:' .. id, 'rev', 'hw')
      if grave[1] then found[#found + 1] = { id, grave[1], grave[2], till } end
      if #found == args.limit then return { found, { till, id } } end
    end
  end
  if #ids < 2 * LOOKED_AT_ONCE then return { found, false } end
  offset = offset + LOOKED_AT_ONCE
end
