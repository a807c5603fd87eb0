-- A waiting run is cancelled at once, a running one is marked.
-- args     { id }
-- returns  the run row after that, or false
-- include  says schedules runs endings run-row
evenWhenFull()
local r = loadRun(args.id)
if not r then return false end
cancelRun(r, SAYS.cancelled)
conclude()
publish()
return runRow(args.id)
