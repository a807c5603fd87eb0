import { createRequire } from 'node:module'

const manifest = createRequire(import.meta.url)('../package.json') as { version: string }

/** The release of this package, as its manifest names it. */
export const VERSION = manifest.version
