-- Ends attempts.
-- args     { reports = { { id, fence, kind, text, delay }… } }; text is the result or the error, as JSON, or false
-- returns  '0' (refused: another fence, or not held) and '1' per report
-- include  says schedules runs endings
evenWhenFull()
local accepted = {}
for i, report in ipairs(args.reports) do
  local id, kind = report[1], report[3]
  local v = call('HMGET', P .. 'r:' .. id, 'st', 'fe', 'ses', 'i', 'at')
  if v[1] ~= 'running' or v[2] ~= report[2] then
    accepted[i] = '0'
  elseif kind == 'succeeded' then
    -- Nearly every one: no more is read than that takes.
    accepted[i] = '1'
    local split = string.find(id, '@', 1, true)
    local run = { id = id, schedule = string.sub(id, 1, split - 1), member = string.sub(id, split + 1), q = 'held', ses = v[3],
      task = string.match(v[4], '|([^|]*)|'), at = tonumber(v[5]) }
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
