-- Remembers of a schedule that was deleted in another store what a namesake must not repeat; nothing where there is one.
-- args     { id, revision, high-water mark or '', until }
-- include  schedules
local id = args.id
if loadSchedule(id) then return end
whenThereIsRoom()
local before = call('HMGET', P .. 't:' .. id, 'rev', 'hw')
local function higher(a, b)
  return (tonumber(a) or -math.huge) > (tonumber(b) or -math.huge) and a or b
end
local mark = higher(before[2], args.mark)
call('DEL', P .. 't:' .. id)
call('HSET', P .. 't:' .. id, 'rev', higher(before[1], args.revision))
if mark and mark ~= '' then call('HSET', P .. 't:' .. id, 'hw', mark) end
call('PEXPIRE', P .. 't:' .. id, math.max(1, tonumber(args.till) - now))
call('ZADD', P .. 'tombstones', args.till, id)
conclude()
