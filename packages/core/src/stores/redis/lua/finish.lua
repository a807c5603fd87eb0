-- Ends attempts.
-- args     { reports = { { id, fence, kind, text, delay }… } }; text is the result or the error, as JSON, or false
-- returns  '0' (refused: another fence, or not held) and '1' per report
-- include  says schedules runs endings
evenWhenFull()
local accepted = {}
for i, report in ipairs(args.reports) do
  local id, kind = report[1], report[3]
  local v = call('HMGET', P .. 'r:' .. id, 'st', 'l', 'i')
  local attempt, fence, _, session = leaseOf(v[2])
  if v[1] ~= 'running' or fence ~= report[2] then
    accepted[i] = '0'
  elseif kind == 'succeeded' then
    -- Nearly every one: no more is read than that takes.
    accepted[i] = '1'
    local run = { id = id, schedule = splitId(id), q = 'held', ses = session, task = string.match(v[3], '|([^|]*)|'),
      at = tonumber(attempt) }
    endRun(run, kind, false, report[4])
  else
    accepted[i] = '1'
    local r = readRun(id)
    if kind == 'failed' or kind == 'cancelled' then
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
