import type { Clock } from '../domain/clock.js'

/** Waits for `done`, for `limitMs` at most; answers whether it came in time. */
export async function within(clock: Clock, limitMs: number, done: Promise<unknown>): Promise<boolean> {
  let cancel: (() => void) | undefined
  const timeout = new Promise<false>((resolve) => {
    cancel = clock.setTimer(() => resolve(false), limitMs)
  })
  try {
    return await Promise.race([done.then(() => true), timeout])
  } finally {
    cancel?.()
  }
}
