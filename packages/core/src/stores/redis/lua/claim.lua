-- Leases runs that are ready.
-- args     { dispatch }
-- returns  the leased runs, see `leased`
-- errors   SESSION_EXPIRED, NOT_REJOINED
-- include  schedules runs leasing server
local refused = refusal()
if refused then return refused end
local self = leasing(args.dispatch)
if not self then return expired(args.dispatch) end
whenThereIsRoom()
takeReady(args.dispatch, self)
rememberLeased(args.dispatch, self)
local answer = {}
for i, id in ipairs(self.taken) do answer[i] = leased(id) end
conclude()
return answer
