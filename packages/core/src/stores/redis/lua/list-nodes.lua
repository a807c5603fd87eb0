-- args     { listedForMs }
-- returns  { now, { info, start, beat, until, left or '' }… }
local rows = {}
for i, session in ipairs(call('ZRANGEBYSCORE', P .. 'sessions', '(' .. text(now - args.listedForMs), '+inf')) do
  local s = call('HMGET', P .. 'sess:' .. session, 'info', 'start', 'beat', 'until', 'left')
  rows[i] = { s[1], s[2], s[3], s[4], s[5] or '' }
end
return { nowText, rows }
