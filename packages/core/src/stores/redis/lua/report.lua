-- Adds log lines and progress to attempts under way.
-- args     { updates = { { id, fence, { level, message as JSON, what it takes of the limit … }, progress or false }… }, logLimit, cut as JSON }
--            progress = JSON without its closing brace and time
-- returns  '0' (refused) and '1' per update
-- errors   NOT_REJOINED
-- include  runs server
local refused = refusal()
if refused then return refused end
local function append(r, lines)
  local bytes = tonumber(r.lb) or 0
  if bytes > args.logLimit then return end
  local function write(level, message)
    call('RPUSH', P .. 'l:' .. r.id, '{"at":' .. nowText .. ',"level":"' .. level .. '","message":' .. message .. '}')
  end
  for i = 1, #lines, 3 do
    bytes = bytes + lines[i + 2]
    if bytes > args.logLimit then
      write('warn', args.cut)
      break
    end
    write(lines[i], lines[i + 1])
  end
  r.lb = text(bytes)
  saveRun(r)
end

local accepted = {}
for i, update in ipairs(args.updates) do
  local r = loadRun(update[1])
  if r and r.st == 'running' and r.fe == update[2] then
    accepted[i] = '1'
    if #update[3] > 0 then append(r, update[3]) end
    if update[4] then call('HSET', P .. 'x:' .. r.id, 'progress', update[4] .. ',"at":' .. nowText .. '}') end
  else
    accepted[i] = '0'
  end
end
conclude()
return table.concat(accepted)
