import { initial } from './0001-initial.js'
import { history } from './0002-history.js'

/** In order; `evertick_migrations` says which were applied. A released one is never edited. */
export const MIGRATIONS: readonly string[] = [initial, history]
