import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { EvertickError } from '@evertick/core'

/**
 * A slip of the pen must not look like an empty store.
 * @throws {EvertickError} STORE_UNREADABLE for an SQLite file that is not there.
 */
export async function requireStore(url: string): Promise<void> {
  const path = /^sqlite:(.+)$/s.exec(url)?.[1]
  if (path === undefined || path === ':memory:') return
  try {
    await stat(path)
  } catch (error) {
    // Of every other trouble the store tells more when it opens the file.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return
    throw new EvertickError(
      'STORE_UNREADABLE',
      `There is no store at ${resolve(path)}; \`evertick serve\` or \`evertick schedule add\` creates one`,
      { cause: error },
    )
  }
}
