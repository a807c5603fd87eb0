-- Leases the runs that a survey of several cells has picked here, as far as they are still ready.
-- args     { dispatch, limitFence, members }; members = what the survey answered
-- returns  the leased runs, see `leased`
-- errors   SESSION_EXPIRED
-- include  schedules runs leasing
local dispatch = args.dispatch
local self = leasing(dispatch)
if not self then return expired(dispatch) end
whenThereIsRoom()
if not self.repeated then
  for _, task in ipairs(dispatch.tasks) do
    self.rooms[task[1]] = task[2]
    if task[3] >= 0 and redis.call('HGET', P .. 'limit-fences', task[1]) ~= args.limitFence then self.rooms[task[1]] = 0 end
  end
  local picked = {}
  for _, member in ipairs(args.members) do picked[member] = true end
  takeReady(dispatch, self, picked)
  rememberLeased(dispatch, self)
end
local answer = {}
for i, id in ipairs(self.taken) do answer[i] = leased(id) end
conclude()
return answer
