// What tsc does not carry from the sources to what is built: the scripts that Redis runs.
import { cp, readFile, stat } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

const core = new URL('../packages/core/', import.meta.url)

/** What is there already stays as it is: a server may be reading it just now. */
async function isStale(from, to) {
  if ((await stat(from)).isDirectory()) return true
  const [wanted, found] = await Promise.all([readFile(from), readFile(to).catch(() => null)])
  return found === null || !wanted.equals(found)
}

await cp(
  fileURLToPath(new URL('src/stores/redis/lua', core)),
  fileURLToPath(new URL('dist/stores/redis/lua', core)),
  { recursive: true, filter: isStale },
)
