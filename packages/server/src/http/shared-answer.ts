import type { Clock } from '@evertick/core'

/**
 * Asks at most once at a time, and answers the same to everyone who comes until `maxAgeMs` after the answer came, so
 * that what a question costs does not grow with the number of callers. A failure is told to those who waited for it,
 * and not kept.
 */
export function sharedAnswer<Answer>(
  ask: () => Promise<Answer>,
  maxAgeMs: number,
  clock: Pick<Clock, 'monotonic'>,
): () => Promise<Answer> {
  let current: Promise<Answer> | null = null
  let cameAt: number | null = null

  const askAnew = async (): Promise<Answer> => {
    cameAt = null
    try {
      const answer = await ask()
      cameAt = clock.monotonic()
      return answer
    } catch (error) {
      current = null
      throw error
    }
  }

  return () => {
    const isStale = cameAt !== null && clock.monotonic() - cameAt >= maxAgeMs
    if (current === null || isStale) current = askAnew()
    return current
  }
}
