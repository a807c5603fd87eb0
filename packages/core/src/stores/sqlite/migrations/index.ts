import { initial } from './0001-initial.js'
import { calendars } from './0002-calendars.js'
import { locks } from './0003-locks.js'
import { adaptive } from './0004-adaptive.js'
import { spare } from './0005-spare.js'
import { history } from './0006-history.js'

/** In order; `PRAGMA user_version` counts those applied. A released one is never edited. */
export const MIGRATIONS: readonly string[] = [initial, calendars, locks, adaptive, spare, history]
