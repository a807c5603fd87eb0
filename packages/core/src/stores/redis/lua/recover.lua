-- Takes back runs of sessions that have expired.
-- args     { limit }
-- returns  { id, task, status, attempt }…
-- errors   NOT_REJOINED
-- include  says schedules runs endings server
local refused = refusal()
if refused then return refused end
evenWhenFull()
local answers = {}
for _, session in ipairs(call('ZRANGEBYSCORE', P .. 'holders', '-inf', nowText)) do
  local room = args.limit - #answers
  if room <= 0 then break end
  local held = call('SRANDMEMBER', P .. 'held:' .. session, room)
  for _, id in ipairs(held) do
    local r = loadRun(id)
    local attempt = r.at
    answers[#answers + 1] = { id, r.task, recoverRun(r), attempt }
  end
  if #held < room then call('ZREM', P .. 'holders', session) end
end
if #answers > 0 then conclude() end
publish()
return answers
