import type { StoreHint } from '../../store/contract.js'
import { Database } from './database.js'
import { loadDriver, TIMEOUTS } from './driver.js'
import { sqlStateOf, storeError } from './errors.js'
import { Notices, type NoticeContext } from './notices.js'
import { locationOf, type PostgresUrl } from './url.js'

interface Connections {
  readonly db: Database
  /** `null` behind a pooler, which hands out another session for each transaction: there nobody can listen. */
  readonly notices: Notices | null
}

type Context = Omit<NoticeContext, 'driver' | 'url'>

/** Connects, and finds out whether a pooler stands in between. @throws {EvertickError} STORE_UNAVAILABLE, STORE_UNREADABLE */
export async function openConnections(url: PostgresUrl, context: Context): Promise<Connections> {
  const driver = await loadDriver()
  const behindPooler = async (): Promise<Connections> => {
    const db = await Database.open(driver, url, true, (hints) => context.hinted([...hints]))
    return { db, notices: null }
  }
  if (url.pooler) return behindPooler()
  let notices: Notices
  try {
    notices = await Notices.listen({ driver, url, ...context })
  } catch (error) {
    if (isPoolerRefusal(error)) return behindPooler()
    throw storeError(error, locationOf(url))
  }
  const db = await Database.open(driver, url, false, (hints: ReadonlySet<StoreHint>) => {
    context.hinted([...hints])
    notices.send(hints)
  })
  try {
    if ((await isSetUp(db)) && (await notices.arrivesFrom(db))) {
      notices.sendThrough(db)
      return { db, notices }
    }
  } catch (error) {
    await closeBoth(notices, db)
    throw error
  }
  await closeBoth(notices, db)
  return behindPooler()
}

/** A pooler may also be told to keep to itself what a session is to be set up with. */
async function isSetUp(db: Database): Promise<boolean> {
  const { rows } = await db.probe<{ ms: number }>(
    `SELECT (extract(epoch FROM current_setting('idle_in_transaction_session_timeout')::interval) * 1000)::integer AS ms`,
  )
  return rows[0]!.ms === TIMEOUTS.idle_in_transaction_session_timeout
}

/** A pooler does not know what a session is to be set up with. */
function isPoolerRefusal(error: unknown): boolean {
  return sqlStateOf(error) === '08P01' && /startup parameter/.test((error as Error).message)
}

async function closeBoth(notices: Notices, db: Database): Promise<void> {
  await notices.close()
  await db.close()
}
