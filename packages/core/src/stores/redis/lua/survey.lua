-- Where the runs of a store lie in several cells: what this one has ready, before anything is taken from any.
-- args     { dispatch, limitFence }
-- returns  { 'known' } when this request has leased something here before, else { 'new', { task, score, member … } of the
--            first to start, { task, running … } of the tasks that have a limit }
-- errors   SESSION_EXPIRED, NOT_REJOINED
-- include  schedules runs leasing server
local refused = refusal()
if refused then return refused end
local dispatch = args.dispatch
local self = leasing(dispatch)
if not self then return expired(dispatch) end
if self.repeated then return { 'known' } end
whenThereIsRoom()
promoteDelayed()
local running = {}
for _, task in ipairs(dispatch.tasks) do
  if task[3] >= 0 then
    -- From now on a claim that counted what runs before this one did is refused. One with a
    -- higher fence may have come here first; it goes on to count elsewhere, and must find this cell as it left it.
    local highest = tonumber(call('HGET', P .. 'limit-fences', task[1]) or '0')
    if tonumber(args.limitFence) > highest then call('HSET', P .. 'limit-fences', task[1], args.limitFence) end
    running[#running + 1] = task[1]
    running[#running + 1] = call('HGET', P .. 'running', task[1]) or '0'
    self.rooms[task[1]] = task[2]
  end
end
local found = {}
for _, candidate in ipairs(readyCandidates(dispatch, self, self.slots)) do
  found[#found + 1] = candidate[1]
  found[#found + 1] = text(candidate[2])
  found[#found + 1] = candidate[3]
end
conclude()
return { 'new', found, running }
