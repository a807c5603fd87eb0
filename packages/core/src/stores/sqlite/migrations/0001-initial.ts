/**
 * `schedules` holds only what changes with every fire; the definition, which may be large, stands apart so that
 * a fire does not rewrite it.
 *
 * `runs.queue` is where a run waits, and decides which of the small partial indices it stands in:
 * 0 ended, 1 ready, 2 delayed until due_at, 3 blocked by overlap, 4 held by a session.
 */
export const initial = `
CREATE TABLE schedules (
  id              TEXT PRIMARY KEY,
  revision        INTEGER NOT NULL,
  state           TEXT NOT NULL,
  fire_time       INTEGER,
  due_at          INTEGER,
  high_water_mark INTEGER,
  fires           INTEGER NOT NULL,
  failures        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX schedules_due ON schedules (due_at) WHERE state = 'active' AND due_at IS NOT NULL;
CREATE INDEX schedules_failing ON schedules (id) WHERE failures > 0;

CREATE TABLE definitions (
  id           TEXT PRIMARY KEY,
  task         TEXT NOT NULL,
  definition   TEXT NOT NULL,
  state_reason TEXT,
  created_at   INTEGER NOT NULL,
  updated_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE tombstones (
  id              TEXT PRIMARY KEY,
  revision        INTEGER NOT NULL,
  high_water_mark INTEGER,
  expires_at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
  number       INTEGER PRIMARY KEY,
  session      TEXT NOT NULL UNIQUE,
  node         TEXT NOT NULL,
  info         TEXT NOT NULL,
  started_at   INTEGER NOT NULL,
  last_beat_at INTEGER NOT NULL,
  lease_until  INTEGER NOT NULL,
  claim_id     TEXT,
  claim_runs   TEXT
) STRICT;
CREATE INDEX sessions_lease ON sessions (lease_until);

CREATE TABLE runs (
  number           INTEGER PRIMARY KEY,
  schedule_id      TEXT NOT NULL,
  fire_time        INTEGER NOT NULL,
  request_id       TEXT NOT NULL,
  kind             TEXT NOT NULL,
  task             TEXT NOT NULL,
  status           TEXT NOT NULL,
  queue            INTEGER NOT NULL,
  attempt          INTEGER NOT NULL,
  recoveries       INTEGER NOT NULL DEFAULT 0,
  session          INTEGER,
  fence            INTEGER NOT NULL,
  priority         INTEGER NOT NULL,
  grp              TEXT NOT NULL,
  delivery         TEXT NOT NULL,
  due_at           INTEGER NOT NULL,
  created_at       INTEGER NOT NULL,
  started_at       INTEGER,
  ended_at         INTEGER,
  cancel_requested INTEGER NOT NULL DEFAULT 0,
  log_bytes        INTEGER NOT NULL DEFAULT 0,
  spec             TEXT,
  error            TEXT,
  result           TEXT,
  progress         TEXT,
  missed           TEXT,
  attempts         TEXT
) STRICT;
CREATE UNIQUE INDEX runs_identity ON runs (schedule_id, fire_time, request_id);
CREATE INDEX runs_by_task ON runs (task, number);
CREATE UNIQUE INDEX runs_by_request ON runs (schedule_id, request_id) WHERE kind = 'manual';
CREATE INDEX runs_open ON runs (schedule_id, queue) WHERE queue > 0;
CREATE INDEX runs_ready ON runs (task, grp, priority DESC, due_at) WHERE queue = 1;
CREATE INDEX runs_delayed ON runs (due_at) WHERE queue = 2;
CREATE INDEX runs_blocked ON runs (schedule_id, fire_time) WHERE queue = 3;
CREATE INDEX runs_held ON runs (task, session) WHERE queue = 4;
CREATE INDEX runs_to_cancel ON runs (session) WHERE queue = 4 AND cancel_requested = 1;
CREATE INDEX runs_unsuccessful ON runs (status, number) WHERE queue = 0 AND status <> 'succeeded';

CREATE TABLE run_logs (
  run     INTEGER NOT NULL,
  line    INTEGER NOT NULL,
  at      INTEGER NOT NULL,
  level   TEXT NOT NULL,
  message TEXT NOT NULL,
  PRIMARY KEY (run, line)
) STRICT, WITHOUT ROWID;
`
