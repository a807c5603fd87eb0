import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

export interface Account {
  readonly uid: number
  readonly gid: number
}

const run = promisify(execFile)

/** The user `postgres` where this process is root, as which PostgreSQL and PgBouncer refuse to run; else `null`. */
export async function unprivilegedAccount(): Promise<Account | null> {
  if (process.getuid?.() !== 0) return null
  const id = async (what: '-u' | '-g'): Promise<number> =>
    Number((await run('id', [what, 'postgres'])).stdout)
  return { uid: await id('-u'), gid: await id('-g') }
}
