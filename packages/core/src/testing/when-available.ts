import { setTimeout as sleep } from 'node:timers/promises'
import { codeOf } from '../domain/errors.js'

const PAUSE_MS = 20

/** Calls until the store answers: again and again while it is unavailable. Any other error is thrown. */
export async function whenAvailable<Answer>(call: () => Promise<Answer>): Promise<Answer> {
  for (;;) {
    try {
      return await call()
    } catch (error) {
      if (codeOf(error) !== 'STORE_UNAVAILABLE') throw error
      await sleep(PAUSE_MS)
    }
  }
}
