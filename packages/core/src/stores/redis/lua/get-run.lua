-- args     { id }
-- returns  a run row, or false
-- include  run-row
return runRow(args.id)
