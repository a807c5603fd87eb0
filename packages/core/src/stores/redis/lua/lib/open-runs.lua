-- What a schedule has open, and how all of it is ended.

-- The open runs of a schedule whose history has been settled. They are among the newest, as a rule.
local function openRuns(schedule)
  local left = openOf(schedule)
  local found, offset = {}, 0
  while left > 0 do
    local members = call('ZREVRANGE', P .. 'h:' .. schedule, offset, offset + 99)
    if #members == 0 then break end
    for _, member in ipairs(members) do
      -- A run that is being created is remembered before there is one.
      local r = loadRun(runIdOf(schedule, member))
      if r and isOpen(r) then
        found[#found + 1] = r
        left = left - 1
      end
    end
    offset = offset + #members
  end
  return found
end

-- Ends the waiting runs of a schedule and marks the running ones. Answers whether any is still running.
local function cancelAllOf(schedule, reason)
  local running = {}
  local waiting = {}
  for _, r in ipairs(openRuns(schedule)) do
    if r.st == 'running' then
      running[#running + 1] = r
    elseif r.q == 'blocked' then
      -- First: ending the free ones would otherwise let them start.
      endRun(r, 'cancelled', reason)
    else
      waiting[#waiting + 1] = r
    end
  end
  for _, r in ipairs(waiting) do endRun(r, 'cancelled', reason) end
  for _, r in ipairs(running) do cancelRun(r, reason) end
  return #running > 0
end
