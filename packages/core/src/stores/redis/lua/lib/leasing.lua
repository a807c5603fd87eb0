-- What a dispatching node may still take, counted down as it takes.
-- dispatch: { session, node, request, givenUp, slots, groups = { name… }, tasks = { { name, slots, limit or -1 }… } }
--           givenUp: how many such calls its process has given up so far

local PROMOTE_AT_ONCE = 1000

local function expired(dispatch)
  return redis.error_reply('EVERTICK SESSION_EXPIRED ' .. dispatch.session)
end

local function leasing(dispatch)
  local key = P .. 'sess:' .. dispatch.session
  local session = call('HMGET', key, 'until', 'request', 'leased', 'number', 'given-up')
  if not session[1] or tonumber(session[1]) <= now then return nil end
  -- A call that was given up may arrive after its repetition, and later ones: what it took, nobody would know of.
  local givenUp = tonumber(session[5] or '0')
  if dispatch.givenUp < givenUp then return nil end
  if dispatch.givenUp > givenUp then call('HSET', key, 'given-up', dispatch.givenUp) end
  local self = { slots = dispatch.slots, taken = {}, rooms = {}, groups = {}, repeated = nil, session = session[4] }
  for _, group in ipairs(dispatch.groups) do self.groups[group] = true end
  for _, task in ipairs(dispatch.tasks) do
    local room = task[2]
    if task[3] >= 0 then
      local running = tonumber(call('HGET', P .. 'running', task[1]) or '0')
      room = math.min(room, task[3] - running)
    end
    self.rooms[task[1]] = room
  end
  -- Asked again after a lost answer: what was leased then and is still held, instead of anything new.
  if session[2] == dispatch.request then
    self.repeated = {}
    for _, id in ipairs(cjson.decode(session[3])) do
      if call('SISMEMBER', P .. 'held:' .. session[4], id) == 1 then
        self.repeated[#self.repeated + 1] = id
        self.taken[#self.taken + 1] = id
      end
    end
    self.slots = 0
  end
  return self
end

local function promoteDelayed()
  for _, id in ipairs(call('ZRANGEBYSCORE', P .. 'delayed', '-inf', nowText, 'LIMIT', 0, PROMOTE_AT_ONCE)) do
    call('ZREM', P .. 'delayed', id)
    makeReady(id)
  end
end

-- Of each task and group that this node offers and has room for, the first `limit`: { task, score, member }.
local function readyCandidates(dispatch, self, limit)
  local found = {}
  if call('EXISTS', P .. 'queues') == 0 then return found end
  for _, task in ipairs(dispatch.tasks) do
    if self.rooms[task[1]] > 0 then
      for _, group in ipairs(dispatch.groups) do
        local queue = task[1] .. '/' .. group
        local rows = call('ZRANGE', P .. 'ready:' .. queue, 0, limit - 1, 'WITHSCORES')
        for i = 1, #rows, 2 do
          found[#found + 1] = { task[1], tonumber(rows[i + 1]), rows[i] }
        end
      end
    end
  end
  return found
end

local function take(self, task, id)
  self.slots = self.slots - 1
  self.rooms[task] = self.rooms[task] - 1
  self.taken[#self.taken + 1] = id
end

-- Leases ready runs as far as there is room: by priority, then by due time.
local function takeReady(dispatch, self)
  promoteDelayed()
  if self.slots <= 0 then return end
  local candidates = readyCandidates(dispatch, self, self.slots)
  table.sort(candidates, function(a, b)
    if a[2] ~= b[2] then return a[2] < b[2] end
    return a[3] < b[3]
  end)
  for _, candidate in ipairs(candidates) do
    if self.slots <= 0 then break end
    local task = candidate[1]
    if self.rooms[task] > 0 then
      local id = string.sub(candidate[3], 18)
      local r = loadRun(id)
      leaveQueue(r)
      if r.at ~= '0' then call('HDEL', P .. 'x:' .. id, 'error', 'progress') end
      hold(r, self.session, dispatch.node, text(math.max(tonumber(r.fe) + 1, now * 1000)))
      take(self, task, id)
    end
  end
end

-- Whether a run that is being created now may be leased at once, or must queue behind waiting ones.
local function mayTakeNew(dispatch, self, task, group, priority)
  local room = self.rooms[task]
  if self.slots <= 0 or not room or room <= 0 or not self.groups[group] then return false end
  if self.waiting == nil then
    promoteDelayed()
    self.waiting = -math.huge
    for _, candidate in ipairs(readyCandidates(dispatch, self, 1)) do
      self.waiting = math.max(self.waiting, math.ceil(-candidate[2] / PRIORITY_STEP))
    end
  end
  return priority > self.waiting
end

-- What was leased is remembered with the session, so that the same request can be answered again.
local function rememberLeased(dispatch, self)
  if #self.taken > 0 and not self.repeated then
    call('HSET', P .. 'sess:' .. dispatch.session, 'request', dispatch.request, 'leased', cjson.encode(self.taken))
  end
end

-- A run as the node that was leased it gets it.
local function leased(id)
  local r = loadRun(id)
  return { id, r.fe, r.kind, r.task, r.at, r.dl, r.due, string.sub(r.no, 1, -4), r.sa, call('HGET', P .. 'x:' .. id, 'spec') or '' }
end
