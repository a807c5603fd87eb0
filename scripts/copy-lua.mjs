// What tsc does not carry from the sources to what is built: the scripts that Redis runs.
import { cp } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

const core = new URL('../packages/core/', import.meta.url)
await cp(
  fileURLToPath(new URL('src/stores/redis/lua', core)),
  fileURLToPath(new URL('dist/stores/redis/lua', core)),
  { recursive: true },
)
