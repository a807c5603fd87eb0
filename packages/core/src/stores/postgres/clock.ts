/**
 * The clock of the store is that of the server, but it does not go back. `clock.followed` is the last moment up to which
 * the server's clock was followed; every heartbeat brings it forward. A server's clock that shows less was set back:
 * `behind_at` is what it showed when that was noticed, and from there time goes on at half its speed until it is caught
 * up with. So all nodes have one time, nothing fires twice, and nothing stands still.
 */
const SERVER_MS = 'SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS ms'

const TOLD = `greatest(server.ms, clock.followed + greatest(0, server.ms - coalesce(clock.behind_at, server.ms)) / 2)`

/** The time as a value in SQL, and never less than `least`, a parameter or number: what this handle was told before. */
export function nowSql(least: string): string {
  return `(SELECT greatest(${least}, ${TOLD}) FROM @clock clock, (${SERVER_MS}) server)`
}

/** Remembers what time it is. For every heartbeat, as a step of its own: whoever stands still must not hold up others. */
export const FOLLOW_CLOCK = `
UPDATE @clock clock SET
  followed = CASE WHEN clock.behind_at <= server.ms AND server.ms < told THEN clock.followed
    ELSE greatest(clock.followed, told) END,
  behind_at = CASE WHEN server.ms >= told THEN NULL WHEN clock.behind_at <= server.ms THEN clock.behind_at ELSE server.ms END
FROM (${SERVER_MS}) server
CROSS JOIN LATERAL (SELECT ${TOLD} AS told FROM @clock clock) telling`
