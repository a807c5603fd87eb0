-- sess:SESSION is the session of a node: until, beat, start, number (short, for what names it often), left, and what
-- heartbeats and claims keep there;  sessions: all that are still listed, by the end of their lease;  holders: the short
-- numbers of those that may hold runs, likewise.

-- Renews a session, or begins it. Answers its short number, or nil, and has written nothing, where it is over.
-- A server that is new to the store may lack the last renewals. Before the nodes have agreed on it nothing is taken back,
-- so a session that its node still uses is not over, whatever is known of it here.
local function renew(session, leaseMs, isAgreed)
  local key = P .. 'sess:' .. session
  local known = call('HMGET', key, 'until', 'number', 'left')
  local before, short = known[1], known[2]
  if before and tonumber(before) <= now and (isAgreed or known[3]) then return nil end
  local untilText = text(now + leaseMs)
  call('HSET', key, 'until', untilText, 'beat', nowText)
  if not before then
    short = call('INCR', P .. 'session-number')
    call('HSET', key, 'start', nowText, 'number', short)
  end
  call('ZADD', P .. 'sessions', untilText, session)
  call('ZADD', P .. 'holders', untilText, short)
  return short
end
