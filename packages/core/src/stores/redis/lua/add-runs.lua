-- Creates runs by request; a request that the schedule has seen answers the run of that time.
-- args     { requests = { { schedule, request, kind, fireTime or false, task, spec or false, delivery, priority, group }… } }
-- returns  run rows
-- include  schedules runs run-row
whenThereIsRoom()
local ids = {}
for i, q in ipairs(args.requests) do
  local schedule, request = q[1], q[2]
  local member = call('HGET', P .. 'm:' .. schedule, request)
  if not member then
    local fireTime = q[4] or nowText
    member = fireTime .. '.' .. request
    if remember(schedule, member, fireTime) then
      local about = { kind = q[3], task = q[5], spec = q[6], delivery = q[7], priority = q[8], group = q[9] }
      local r = newRun(schedule, member, nowText, about)
      countOpen(schedule, 1)
      await(r, 'pending')
      enqueueReady(r)
      if about.kind == 'manual' then call('HSET', P .. 'm:' .. schedule, request, member) end
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
