-- Adds log lines and progress to attempts under way.
-- args     { updates = { { id, fence, { level, message as JSON, bytes … }, progress or false }… }, logLimit, cut as JSON }
--            progress = JSON without its closing brace and time
-- returns  '0' (refused) and '1' per update
-- include  runs
local function append(key, id, lines)
  local bytes = tonumber(call('HGET', key, 'lb') or '0')
  if bytes >= args.logLimit then return end
  local function add(level, message)
    call('RPUSH', P .. 'l:' .. id, '{"at":' .. nowText .. ',"level":"' .. level .. '","message":' .. message .. '}')
  end
  for i = 1, #lines, 3 do
    bytes = bytes + lines[i + 2] + 1
    if bytes > args.logLimit then
      add('warn', args.cut)
      bytes = math.max(bytes, args.logLimit)
      break
    end
    add(lines[i], lines[i + 1])
  end
  call('HSET', key, 'lb', text(bytes))
end

local accepted = {}
for i, update in ipairs(args.updates) do
  local key = P .. 'r:' .. update[1]
  local r = call('HMGET', key, 'l', 'st')
  local _, fence = leaseOf(r[1])
  if fence ~= update[2] or r[2] ~= 'running' then
    accepted[i] = '0'
  else
    accepted[i] = '1'
    if #update[3] > 0 then append(key, update[1], update[3]) end
    if update[4] then call('HSET', P .. 'x:' .. update[1], 'progress', update[4] .. ',"at":' .. nowText .. '}') end
  end
end
conclude()
return table.concat(accepted)
