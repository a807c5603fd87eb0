-- Creates runs by request; a request that the schedule has seen answers the run of that time.
-- args     { requests = { { schedule, request, kind, fireTime or false, task, spec or false, delivery, priority, group }… } }
-- returns  run rows
-- include  schedules runs run-row
whenThereIsRoom()
local answers = {}
for i, q in ipairs(args.requests) do
  local schedule, request = q[1], q[2]
  local member = call('HGET', P .. 'm:' .. schedule, request)
  if not member then
    local fireTime = q[4] or nowText
    member = fireTime .. '.' .. request
    local run = { schedule = schedule, member = member, id = runIdOf(schedule, member), fireTime = fireTime, due = nowText,
      kind = q[3], task = q[5], spec = q[6], delivery = q[7], priority = q[8], group = q[9] }
    if remember(run) then
      call('INCR', P .. 'o:' .. schedule)
      createWaiting(run, 'ready')
      if run.kind == 'manual' then call('HSET', P .. 'm:' .. schedule, request, member) end
      if call('EXISTS', P .. 's:' .. schedule) == 0 then call('ZADD', P .. 'graves', 0, schedule) end
      timeAfterRun(schedule)
    end
  end
  answers[i] = runRow(runIdOf(schedule, member))
end
conclude()
publish()
return answers
