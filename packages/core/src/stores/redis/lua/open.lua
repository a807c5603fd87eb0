-- Makes a cell of a store, or finds out what is there. The only script that does not ask for an identity.
-- KEYS[1]  the hash `meta` of the cell
-- ARGV     identity, layout version, shards, cells: for a cell that is not there yet, an empty identity makes none;
--          whether all cells are made, for the first one to remember
-- returns  identity or nothing, layout version, shards, cells, whether all cells were made, run id of the server
-- See lib/server.lua.
local info = redis.pcall('INFO', 'server')
local server = type(info) == 'string' and string.match(info, 'run_id:(%x+)') or 'unknown'
if ARGV[1] ~= '' then
  redis.call('HSETNX', KEYS[1], 'identity', ARGV[1])
  if redis.call('HGET', KEYS[1], 'identity') == ARGV[1] then
    redis.call('HSET', KEYS[1], 'version', ARGV[2], 'shards', ARGV[3], 'cells', ARGV[4], 'server', server)
  end
end
if ARGV[5] == '1' then redis.call('HSET', KEYS[1], 'whole', '1') end
local found = redis.call('HMGET', KEYS[1], 'identity', 'version', 'shards', 'cells', 'whole')
found[6] = server
return found
