import { initial } from './0001-initial.js'

/** In order; `PRAGMA user_version` counts those applied. A released one is never edited. */
export const MIGRATIONS: readonly string[] = [initial]
