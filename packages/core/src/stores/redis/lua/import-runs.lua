-- Writes runs of another store, in place of those of the same identity.
-- args     { runs: see lib/imports.lua }
-- include  says schedules runs history endings imports
whenThereIsRoom()
local seen, those = {}, {}
for _, q in ipairs(args.runs) do
  local schedule = splitId(q[1])
  if not seen[schedule] then those[#those + 1] = loadSchedule(schedule) end
  seen[schedule] = true
end
settle(those)
for _, q in ipairs(args.runs) do restoreRun(q) end
for schedule in pairs(seen) do
  unblock(schedule)
  timeAfterRun(schedule)
end
conclude()
publish()
