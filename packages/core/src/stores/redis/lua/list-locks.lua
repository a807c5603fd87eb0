-- One page of the locks that are held, by name.
-- args     { after, prefix: each a text or false, limit }
-- returns  { name, holder, fence, acquired, until, how many wait }…, at most limit
-- include  locks
local LOOKED_AT_ONCE = 200

local from = args.prefix and '[' .. args.prefix or '-'
if args.after and (not args.prefix or args.after >= args.prefix) then from = '(' .. args.after end
-- Names are ASCII, so every name with this prefix sorts below the prefix followed by the last ASCII character.
local to = args.prefix and '(' .. args.prefix .. '\127' or '+'
local rows = {}
while #rows < args.limit do
  local names = call('ZRANGEBYLEX', P .. 'lock-names', from, to, 'LIMIT', 0, LOOKED_AT_ONCE)
  for _, name in ipairs(names) do
    local lock = readLock(name)
    if lock.isHeld and #rows < args.limit then
      local waiting = call('ZCOUNT', P .. 'wait-until:' .. name, '(' .. nowText, '+inf')
      rows[#rows + 1] = { name, lock.holder, lock.fence, lock.at, text(lock.leaseUntil), waiting }
    end
  end
  if #names < LOOKED_AT_ONCE then break end
  from = '(' .. names[#names]
end
return rows
