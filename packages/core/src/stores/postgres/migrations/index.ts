import { initial } from './0001-initial.js'

/** In order; `evertick_migrations` says which were applied. A released one is never edited. */
export const MIGRATIONS: readonly string[] = [initial]
