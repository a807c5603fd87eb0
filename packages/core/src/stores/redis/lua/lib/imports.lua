-- How runs of another store come in.
--   { id, fire time, request, status, fence, ended, attempt, task, created, group, due, blocked, started, kind, priority,
--     delivery, cancel, node, { names and values of x:ID }, { past attempts }, { log lines, JSON } or false, bytes of them }
-- Of what is absent or as usual there is an empty text, as in r:ID.

local function takeOut(r)
  if isOpen(r) then
    leaveQueue(r)
    countOpen(r.schedule, -1)
  elseif r.st ~= 'succeeded' then
    call('ZREM', P .. 'end:' .. r.st, r.id)
  end
end

local function replaceList(key, values)
  call('DEL', key)
  for from = 1, #values, AT_ONCE do
    call('RPUSH', key, unpack(values, from, math.min(#values, from + AT_ONCE - 1)))
  end
end

-- What is held here, or was leased here since, stays. The history of its schedule has been settled.
local function restoreRun(q)
  local id = q[1]
  local schedule, member = splitId(id)
  local r = loadRun(id)
  if r then
    if r.st == 'running' or tonumber(r.fe) > tonumber(q[5]) then return end
    takeOut(r)
  else
    if q[14] == 'manual' then
      -- One run answers a request for ever.
      if call('HEXISTS', P .. 'm:' .. schedule, q[3]) == 1 then return end
      call('HSET', P .. 'm:' .. schedule, q[3], member)
    end
    remember(schedule, member, q[2])
    r = { id = id, schedule = schedule, member = member, no = q[9] .. '000', q = '', ses = '', rec = '', lb = '0', before = '' }
    if not loadSchedule(schedule) then call('ZADD', P .. 'graves', 0, schedule) end
  end
  if r.task and r.task ~= q[8] then call('ZREM', P .. 'task:' .. r.task, id) end
  r.st, r.fe, r.en, r.at, r.task, r.g, r.due = q[4], q[5], q[6], q[7], q[8], q[10], q[11]
  r.sa, r.kind, r.pr, r.dl, r.cx, r.node = q[13], q[14], q[15], q[16], q[17], q[18]
  call('ZADD', P .. 'task:' .. r.task, r.no, id)
  collectOnce('SADD', P .. 'tasks', r.task)
  call('DEL', P .. 'x:' .. id)
  if #q[19] > 0 then call('HSET', P .. 'x:' .. id, unpack(q[19])) end
  replaceList(P .. 'a:' .. id, q[20])
  if q[21] then
    replaceList(P .. 'l:' .. id, q[21])
    r.lb = q[22]
  end
  if r.st == 'pending' or r.st == 'retrying' then
    countOpen(schedule, 1)
    await(r, r.st)
    if q[12] ~= '' then
      block(r, q[2])
    elseif tonumber(r.due) > now then
      r.q = 'delayed'
      call('ZADD', P .. 'delayed', r.due, id)
    else
      enqueueReady(r)
    end
  elseif r.st ~= 'succeeded' then
    call('ZADD', P .. 'end:' .. r.st, r.no, id)
  end
  saveRun(r)
end
