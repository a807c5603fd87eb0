-- Ends attempts.
-- args     { reports = { { id, fence, kind, text, delay }… } }; text is the result or the error, as JSON, or false
-- returns  '0' (refused: another fence, or not held) and '1' per report
-- include  says schedules runs endings
evenWhenFull()
local keys = {}
for _, report in ipairs(args.reports) do
  keys[#keys + 1] = P .. 'r:' .. report[1]
  keys[#keys + 1] = P .. 'o:' .. string.match(report[1], '^[^@]*')
end
fetch(keys)

local function finish(r, kind, said, delayMs)
  if kind == 'succeeded' then
    endRun(r, kind, false, said)
  elseif kind == 'failed' or kind == 'cancelled' then
    endRun(r, kind, said)
  elseif kind == 'retry' then
    putBack(r, said, delayMs)
  elseif kind == 'interrupted' then
    takeBack(r, said)
  else
    releaseRun(r)
  end
end

local accepted = {}
for i, report in ipairs(args.reports) do
  local r = loadRun(report[1])
  if r and r.st == 'running' and r.fe == report[2] then
    accepted[i] = '1'
    finish(r, report[3], report[4], report[5])
  else
    accepted[i] = '0'
  end
end
conclude()
publish()
return table.concat(accepted)
