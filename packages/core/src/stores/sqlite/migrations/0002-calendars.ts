/**
 * Named calendars, which schedules refer to, and what a fire time was computed with. Schedules that fire after the end
 * of their last run: while one is open, they have `after_run_ms` and no `fire_time`. And whether a session was ended by
 * its node, or merely not renewed.
 *
 * `counters` has one row, `calendars`: it rises with every change of any calendar, which draws its revision from it.
 */
export const calendars = `
CREATE TABLE calendars (
  name       TEXT PRIMARY KEY,
  revision   INTEGER NOT NULL,
  definition TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE schedule_calendars (
  schedule_id TEXT NOT NULL,
  calendar    TEXT NOT NULL,
  PRIMARY KEY (schedule_id, calendar)
) STRICT, WITHOUT ROWID;
CREATE INDEX schedule_calendars_users ON schedule_calendars (calendar);

CREATE TABLE counters (
  name  TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO counters VALUES ('calendars', 0);

ALTER TABLE schedules ADD COLUMN tzdata TEXT;
ALTER TABLE schedules ADD COLUMN calendars_revision INTEGER;
ALTER TABLE schedules ADD COLUMN after_run_ms INTEGER;
ALTER TABLE sessions ADD COLUMN has_left INTEGER NOT NULL DEFAULT 0;
CREATE INDEX schedules_awaiting_run ON schedules (id) WHERE after_run_ms IS NOT NULL AND fire_time IS NULL;
`
