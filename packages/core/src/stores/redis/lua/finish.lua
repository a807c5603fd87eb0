-- Ends attempts.
-- args     { reports = { { id, fence, kind, text, delay }… } }; text is the result or the error, as JSON, or false
-- returns  '0' (refused: another fence, or not held) and '1' per report
-- errors   NOT_REJOINED
-- include  says schedules runs endings server
local refused = refusal()
if refused then return refused end
evenWhenFull()
local keys = {}
for _, report in ipairs(args.reports) do
  keys[#keys + 1] = P .. 'r:' .. report[1]
  keys[#keys + 1] = P .. 'o:' .. string.match(report[1], '^[^@]*')
end
fetch(keys)

-- A record of its own for each run costs more than all else here. Nearly every run succeeds at the first attempt, and
-- nothing depends on it: such a one goes from text to text, of which only the beginning changes.
local function succeedAtOnce(id, fence, result)
  if runs[id] then return false end
  local key = P .. 'r:' .. id
  local packed = texts[key]
  local asHeld = 'running|' .. fence .. '|'
  if not packed or string.sub(packed, 1, #asHeld) ~= asHeld then return false end
  local session, task = string.match(packed, '^|([^|]*)|1|([^|]*)|', #asHeld + 1)
  if not session or not isQuiet() then return false end
  set(key, 'succeeded|' .. fence .. '|' .. nowText .. string.sub(packed, #asHeld + 1))
  if result then call('HSET', P .. 'x:' .. id, 'result', result) end
  collect('SREM', P .. 'held:' .. session, id)
  add('running', task, -1)
  countOpen(string.match(id, '^[^@]*'), -1)
  placeFreed()
  return true
end

local accepted = {}
for i, report in ipairs(args.reports) do
  accepted[i] = '1'
  if report[3] ~= 'succeeded' or not succeedAtOnce(report[1], report[2], report[4]) then
    local r = loadRun(report[1])
    if r and r.st == 'running' and r.fe == report[2] then
      endAttempt(r, report[3], report[4], report[5])
    else
      accepted[i] = '0'
    end
  end
end
conclude()
publish()
return table.concat(accepted)
