-- args     { id, after, limit }
-- returns  log lines as JSON
return call('LRANGE', P .. 'l:' .. args.id, args.after, args.after + args.limit - 1)
