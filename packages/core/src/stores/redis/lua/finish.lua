-- Ends attempts.
-- args     { reports = { { id, fence, kind, text, delay }… } }; text is the result or the error, as JSON, or false
-- returns  '0' (refused: another fence, or not held) and '1' per report
-- include  says schedules runs endings
evenWhenFull()
local accepted = {}
for i, report in ipairs(args.reports) do
  local r = readRun(report[1])
  if not r or r.fe ~= report[2] or r.q ~= 'held' then
    accepted[i] = '0'
  else
    accepted[i] = '1'
    local kind = report[3]
    if kind == 'succeeded' then
      endRun(r, kind, false, report[4])
    elseif kind == 'failed' or kind == 'cancelled' then
      endRun(r, kind, report[4])
    elseif kind == 'retry' then
      putBack(r, report[4], report[5])
    elseif kind == 'interrupted' then
      takeBack(r, report[4])
    else
      releaseRun(r)
    end
  end
end
conclude()
publish()
return table.concat(accepted)
