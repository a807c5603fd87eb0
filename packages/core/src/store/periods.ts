/** How long a deleted schedule's revision and high-water mark are kept from a namesake. */
export const TOMBSTONE_MS = 86_400_000

/** How long nodes that are gone are still listed. */
export const LISTED_FOR_MS = 86_400_000

/** Due for longer than this counts as backlog. */
export const BACKLOG_AFTER_MS = 500

/** Of what is peeked at, so much is left to what is on time. */
export const ON_TIME_SHARE = 0.7

/** Of the runs that a node holds, so many are named in a list of nodes. */
export const HELD_RUNS_LISTED = 100

/** How long the last fence of a lock that nobody holds is remembered. */
export const LOCK_REMEMBERED_MS = 86_400_000
