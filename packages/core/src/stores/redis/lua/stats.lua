-- args     { shards = { shard… } }
-- returns  { now, counts, running per task, oldest due time or '', { task, waiting … }, infos of living nodes }
local running = call('HGETALL', P .. 'running')
local oldest = math.huge
for _, shard in ipairs(args.shards) do
  local first = call('ZRANGE', P .. 'due:' .. shard, 0, 0, 'WITHSCORES')
  if first[2] then oldest = math.min(oldest, tonumber(first[2])) end
end
local waiting = {}
for _, queue in ipairs(call('SMEMBERS', P .. 'queues')) do
  waiting[#waiting + 1] = string.match(queue, '^(.*)/')
  waiting[#waiting + 1] = call('ZCARD', P .. 'ready:' .. queue)
end
local infos = {}
for _, session in ipairs(call('ZRANGEBYSCORE', P .. 'sessions', '(' .. nowText, '+inf')) do
  infos[#infos + 1] = call('HGET', P .. 'sess:' .. session, 'info') or nil
end
return { nowText, call('HGETALL', P .. 'count'), running, oldest <= now and text(oldest) or '', waiting, infos }
