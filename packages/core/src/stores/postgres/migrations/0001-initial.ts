/**
 * The tables of the SQLite store, and `shard`, which says who looks first. `@` stands for the schema.
 *
 * `schedules` holds only what changes with every fire; the definition, which may be large, stands apart so that
 * a fire does not write it again. What the store itself needs of it (`history`, `pause_after`) has columns of its own.
 * JSON is kept as text: `jsonb` would change it, and refuse some of it.
 *
 * `runs.queue` is where a run waits, and decides which of the small partial indices it stands in:
 * 0 ended, 1 ready, 2 delayed until due_at, 3 blocked by overlap, 4 held by a session.
 *
 * `clock` keeps the clock from going back; see `clock.ts`. The row of a lock outlives its holder, so that the next fence
 * is above the last. `counters` has one row, `calendars`: it rises with every change of any calendar.
 */
export const initial = `
CREATE TABLE @schedules (
  id                 text COLLATE "C" PRIMARY KEY,
  shard              smallint NOT NULL,
  revision           integer NOT NULL,
  state              text NOT NULL,
  fire_time          bigint,
  due_at             bigint,
  stretched_ms       bigint,
  tzdata             text,
  calendars_revision bigint,
  after_run_ms       bigint,
  high_water_mark    bigint,
  fires              bigint NOT NULL,
  failures           integer NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX schedules_due ON @schedules (shard, due_at) WHERE state = 'active' AND due_at IS NOT NULL;

CREATE TABLE @definitions (
  id           text COLLATE "C" PRIMARY KEY,
  task         text COLLATE "C" NOT NULL,
  definition   text NOT NULL,
  history      text,
  pause_after  integer,
  state_reason text,
  created_at   bigint NOT NULL,
  updated_at   bigint NOT NULL
);

CREATE TABLE @tombstones (
  id              text COLLATE "C" PRIMARY KEY,
  revision        integer NOT NULL,
  high_water_mark bigint,
  expires_at      bigint NOT NULL
);
CREATE INDEX tombstones_expiry ON @tombstones (expires_at);

CREATE TABLE @sessions (
  number       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  session      text COLLATE "C" NOT NULL UNIQUE,
  node         text COLLATE "C" NOT NULL,
  info         text NOT NULL,
  load         double precision NOT NULL,
  started_at   bigint NOT NULL,
  last_beat_at bigint NOT NULL,
  lease_until  bigint NOT NULL,
  has_left     boolean NOT NULL DEFAULT false,
  claim_id     text,
  claim_runs   text
) WITH (fillfactor = 50);
CREATE INDEX sessions_lease ON @sessions (lease_until);

CREATE TABLE @runs (
  number           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  schedule_id      text COLLATE "C" NOT NULL,
  fire_time        bigint NOT NULL,
  request_id       text COLLATE "C" NOT NULL,
  kind             text NOT NULL,
  task             text COLLATE "C" NOT NULL,
  status           text NOT NULL,
  queue            smallint NOT NULL,
  attempt          integer NOT NULL,
  recoveries       integer NOT NULL DEFAULT 0,
  session          bigint,
  fence            bigint NOT NULL,
  priority         integer NOT NULL,
  grp              text COLLATE "C" NOT NULL,
  delivery         text NOT NULL,
  due_at           bigint NOT NULL,
  created_at       bigint NOT NULL,
  started_at       bigint,
  ended_at         bigint,
  cancel_requested boolean NOT NULL DEFAULT false,
  log_bytes        integer NOT NULL DEFAULT 0,
  log_lines        integer NOT NULL DEFAULT 0,
  stretched_ms     bigint,
  spec             text,
  error            text,
  result           text,
  progress         text,
  missed           text,
  attempts         text
);
CREATE UNIQUE INDEX runs_identity ON @runs (schedule_id, fire_time, request_id);
CREATE UNIQUE INDEX runs_by_request ON @runs (schedule_id, request_id) WHERE kind = 'manual';
CREATE INDEX runs_by_task ON @runs (task, number);
CREATE INDEX runs_open ON @runs (schedule_id, queue) WHERE queue > 0;
CREATE INDEX runs_ready ON @runs (task, grp, priority DESC, due_at, number) WHERE queue = 1;
CREATE INDEX runs_delayed ON @runs (due_at) WHERE queue = 2;
CREATE INDEX runs_blocked ON @runs (schedule_id, fire_time) WHERE queue = 3;
CREATE INDEX runs_held ON @runs (session) WHERE queue = 4;
CREATE INDEX runs_unsuccessful ON @runs (status, number) WHERE queue = 0 AND status <> 'succeeded';

CREATE TABLE @run_logs (
  run     bigint NOT NULL,
  line    integer NOT NULL,
  at      bigint NOT NULL,
  level   text NOT NULL,
  message text NOT NULL,
  PRIMARY KEY (run, line)
);

CREATE TABLE @calendars (
  name       text COLLATE "C" PRIMARY KEY,
  revision   bigint NOT NULL,
  definition text NOT NULL,
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL
);

CREATE TABLE @schedule_calendars (
  schedule_id text COLLATE "C" NOT NULL,
  calendar    text COLLATE "C" NOT NULL,
  PRIMARY KEY (schedule_id, calendar)
);
CREATE INDEX schedule_calendars_users ON @schedule_calendars (calendar, schedule_id);

CREATE TABLE @counters (
  name  text PRIMARY KEY,
  value bigint NOT NULL
);
INSERT INTO @counters VALUES ('calendars', 0);

CREATE TABLE @locks (
  name        text COLLATE "C" PRIMARY KEY,
  fence       bigint NOT NULL,
  owner       text,
  holder      text NOT NULL,
  acquired_at bigint NOT NULL,
  held_until  bigint NOT NULL
);
CREATE INDEX locks_held ON @locks (held_until);

CREATE TABLE @lock_waiters (
  number      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name        text COLLATE "C" NOT NULL,
  owner       text NOT NULL,
  waits_until bigint NOT NULL
);
CREATE UNIQUE INDEX lock_waiters_owner ON @lock_waiters (name, owner);
CREATE INDEX lock_waiters_queue ON @lock_waiters (name, number);

CREATE TABLE @clock (
  followed  bigint NOT NULL,
  behind_at bigint
) WITH (fillfactor = 10);
INSERT INTO @clock VALUES (0, NULL);
`
