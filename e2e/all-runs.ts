import type { Run, Scheduler } from '@evertick/core'

/** Of all schedules, or of one. */
export async function allRuns({ runs }: Scheduler, scheduleId?: string): Promise<Run[]> {
  const found: Run[] = []
  let cursor: string | undefined
  do {
    const page = await runs.list({
      limit: 1000,
      ...(scheduleId === undefined ? {} : { scheduleId }),
      ...(cursor === undefined ? {} : { cursor }),
    })
    found.push(...page.items)
    cursor = page.nextCursor ?? undefined
  } while (cursor !== undefined)
  return found
}
