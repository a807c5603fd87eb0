import { hash32, type LockName, type TaskName } from '../../domain/ids.js'

// What `Transaction.lock` locks. The numbers are a contract between releases that run side by side.

export const MIGRATION = 0
/**
 * Shared by callers' transactions that put what was computed with calendars, exclusive for edits of calendars, which lock
 * it before the next: who waits for a caller must not hold up the nodes.
 */
export const CALENDARS_OF_CALLERS = 1
/** The same, of the nodes. */
export const CALENDARS = 2
/** Held by each step of an import. */
export const IMPORTS = 3

const FIRST_TASK = 100
/** Few, for the server has room for only so many locks: two tasks may wait for each other. */
const TASK_KEYS = 64

const FIRST_NAME = 1000
const NAME_KEYS = 1_000_000

/** Held while the running runs of the task are counted and more are leased. */
export function keyOfTask(task: TaskName): number {
  return FIRST_TASK + (hash32(task) % TASK_KEYS)
}

/** Held by each step on the user's lock of this name. */
export function keyOfLock(name: LockName): number {
  return FIRST_NAME + (hash32(name) % NAME_KEYS)
}
