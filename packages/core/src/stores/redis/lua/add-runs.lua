-- Creates runs by request; a request that the schedule has seen answers the run of that time.
-- args     { requests = { { schedule, request, kind, fireTime or false, task, spec or false, delivery, priority, group }… } }
-- returns  run rows
-- include  schedules runs history run-row
whenThereIsRoom()
local ids = {}
for i, q in ipairs(args.requests) do
  local schedule, request = q[1], q[2]
  local member = call('HGET', P .. 'm:' .. schedule, request)
  if not member then
    local fireTime = q[4] or nowText
    member = fireTime .. '.' .. request
    if remember(schedule, member, fireTime) then
      local r = newRun(schedule, member, nowText, termsOf(q[5], q[6], q[7], q[8], q[9], q[3]), false)
      countOpen(schedule, 1)
      await(r, 'pending')
      enqueueReady(r)
      if q[3] == 'manual' then call('HSET', P .. 'm:' .. schedule, request, member) end
      if not loadSchedule(schedule) then call('ZADD', P .. 'graves', 0, schedule) end
      timeAfterRun(schedule)
    end
  end
  ids[i] = runIdOf(schedule, member)
end
conclude()
publish()
local answers = {}
for i, id in ipairs(ids) do answers[i] = runRow(id) end
return answers
