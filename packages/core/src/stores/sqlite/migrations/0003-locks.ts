/**
 * Locks, and who waits for them. The row of a lock outlives its holder, so that the next fence is above the last;
 * `owner` is NULL once it was released. The first in the queue of a lock is the waiter with the lowest number.
 */
export const locks = `
CREATE TABLE locks (
  name        TEXT PRIMARY KEY,
  fence       INTEGER NOT NULL,
  owner       TEXT,
  holder      TEXT NOT NULL,
  acquired_at INTEGER NOT NULL,
  held_until  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX locks_held ON locks (held_until);

CREATE TABLE lock_waiters (
  number      INTEGER PRIMARY KEY,
  name        TEXT NOT NULL,
  owner       TEXT NOT NULL,
  waits_until INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX lock_waiters_owner ON lock_waiters (name, owner);
CREATE INDEX lock_waiters_queue ON lock_waiters (name, number);
`
