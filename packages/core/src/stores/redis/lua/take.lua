-- Leases as many of the first ready runs as a survey of several cells has left to this one.
-- args     { dispatch, limitFence }; with the slots of this cell alone
-- returns  the leased runs, see `leased`
-- errors   SESSION_EXPIRED, NOT_REJOINED
-- include  schedules runs leasing server
local refused = refusal()
if refused then return refused end
local dispatch = args.dispatch
local self = leasing(dispatch)
if not self then return expired(dispatch) end
whenThereIsRoom()
if not self.repeated then
  for _, task in ipairs(dispatch.tasks) do
    self.rooms[task[1]] = task[2]
    if task[3] >= 0 and call('HGET', P .. 'limit-fences', task[1]) ~= args.limitFence then self.rooms[task[1]] = 0 end
  end
  takeReady(dispatch, self)
  rememberLeased(dispatch, self)
end
local answer = {}
for i, id in ipairs(self.taken) do answer[i] = leased(id) end
conclude()
return answer
