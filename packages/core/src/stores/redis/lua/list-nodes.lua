-- args     { listedForMs, heldListed }
-- returns  { now, { info, start, beat, until, left or '', session, how many runs it holds here, ids of some of them }… }
local rows = {}
for _, session in ipairs(call('ZRANGEBYSCORE', P .. 'sessions', '(' .. text(now - args.listedForMs), '+inf')) do
  local s = call('HMGET', P .. 'sess:' .. session, 'info', 'start', 'beat', 'until', 'left', 'number')
  -- Of one that was restored after a failover nothing more is known before its next heartbeat.
  if s[1] then
    local held = P .. 'held:' .. s[6]
    local ids = call('SRANDMEMBER', held, args.heldListed)
    rows[#rows + 1] = { s[1], s[2], s[3], s[4], s[5] or '', session, call('SCARD', held), ids }
  end
end
return { nowText, rows }
