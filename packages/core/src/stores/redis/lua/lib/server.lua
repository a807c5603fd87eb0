-- Whether this is still the server that the nodes have agreed on. Another one (the same after a restart, or a replica that
-- took over) may lack the last writes: before it fires, leases, ends or takes back anything, the nodes that live tell it what
-- they saw. One that comes too late for that tells it all the same, before its next step.
-- server: its run id;  coming: one that is not agreed on yet, since `since`;  rejoined: sessions that have told it.
local function runningServer()
  local info = redis.pcall('INFO', 'server')
  -- Where INFO is not allowed, a change of the server cannot be seen.
  return type(info) == 'string' and string.match(info, 'run_id:(%x+)') or 'unknown'
end

local function isAgreedOn(server)
  return call('HGET', KEYS[1], 'server') == server
end

-- An error, or nil where the caller and all others may go on.
local function refusal()
  local server = runningServer()
  if ARGV[3] == server and isAgreedOn(server) then return nil end
  return redis.error_reply('EVERTICK NOT_REJOINED ' .. server)
end
