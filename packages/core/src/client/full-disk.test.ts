import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { defineTask } from '../domain/define-task.js'
import { codeOf } from '../domain/errors.js'
import { SmallDisk } from '../testing/small-disk.js'
import { createScheduler } from './scheduler.js'
import type { Scheduler } from './types.js'

const missing = SmallDisk.isMissing()
const EVERY_MS = 200

let disk: SmallDisk
const started: Scheduler[] = []

/** Resolves with the next event of that kind that `isMeant`. */
function told<Type extends Parameters<Scheduler['on']>[0]>(
  scheduler: Scheduler,
  type: Type,
  isMeant: (event: { scheduleId?: string }) => boolean = () => true,
): Promise<void> {
  return new Promise((resolve) => {
    const forget = scheduler.on(type, (event) => {
      if (!isMeant(event as { scheduleId?: string })) return
      forget()
      resolve()
    })
  })
}

describe.skipIf(missing !== false)(
  `schedulers on a full disk${missing === false ? '' : ` (skipped: ${missing})`}`,
  () => {
    beforeEach(() => {
      disk = SmallDisk.mount(40)
    })

    afterEach(async () => {
      try {
        await Promise.all(started.splice(0).map((each) => each.stop({ graceMs: 1000 })))
      } finally {
        disk.unmount()
      }
    })

    test('end what they run, miss nothing in silence, and go on by themselves', async () => {
      let letEnd: () => void = () => {}
      const slow = defineTask({ name: 'slow', run: () => new Promise<void>((resolve) => (letEnd = resolve)) })
      const tick = defineTask({ name: 'tick', run: () => {} })
      const node = async (name: string): Promise<Scheduler> => {
        const scheduler = await createScheduler({
          store: `sqlite:${join(disk.folder, 'store.db')}`,
          tasks: [slow, tick],
          node: { name },
          lease: { leaseMs: 3000, renewMs: 500 },
        })
        started.push(scheduler)
        await scheduler.start()
        return scheduler
      }
      const [first, second] = [await node('first'), await node('second')]
      const trigger = {
        kind: 'interval',
        every: { milliseconds: EVERY_MS },
        start: new Date(0).toISOString(),
      }
      await first.schedules.put({ id: 'tick', task: tick, trigger, catchUp: 'latest', misfireGraceMs: 0 })
      await first.schedules.put({
        id: 'slow',
        task: slow,
        trigger: { kind: 'cron', expression: '0 0 1 1 *' },
      })
      const nodes = [first, second]
      const begun = Promise.race(
        nodes.map((each) => told(each, 'run.started', ({ scheduleId }) => scheduleId === 'slow')),
      )
      const { id: slowRun } = await first.schedules.runNow('slow')
      await begun

      // Nobody loses a session meanwhile: what is under way stays with whom it is.
      const lost: string[] = []
      for (const each of nodes) each.on('node.sessionLost', ({ node: name }) => void lost.push(name))
      const full = Promise.all(nodes.map((each) => told(each, 'store.full')))
      disk.fill()
      await fillStore(first)
      await full
      for (const each of nodes)
        expect((await each.health()).problems).toContainEqual(expect.stringContaining('has no room'))
      const ended = Promise.race(nodes.map((each) => told(each, 'run.succeeded')))
      letEnd()
      await ended
      expect((await second.runs.get(slowRun))?.status).toBe('succeeded')

      const overdueMs = async (): Promise<number> => (await first.health()).overdueMs
      await expect.poll(overdueMs, { timeout: 30_000 }).toBeGreaterThan(5 * EVERY_MS)
      const caughtUp = Promise.race(nodes.map((each) => told(each, 'run.missed')))
      disk.makeRoom()
      await caughtUp
      await Promise.race(
        nodes.map((each) => told(each, 'run.succeeded', ({ scheduleId }) => scheduleId === 'tick')),
      )
      await first.schedules.pause('tick')
      expect(lost).toEqual([])
      await everyFireTimeIsAccountedFor(second)
    })
  },
)

async function fillStore({ schedules }: Scheduler): Promise<void> {
  const input = 'x'.repeat(60_000)
  for (let i = 0; ; i++) {
    try {
      await schedules.put(
        { id: `filler-${i}`, task: 'http', input, trigger: { kind: 'cron', expression: '0 0 1 1 *' } },
        { allowUnknownTask: true },
      )
    } catch (error) {
      expect(codeOf(error)).toBe('STORE_FULL')
      return
    }
  }
}

/** From the first to the last, each is a run, or within what was recorded as missed. */
async function everyFireTimeIsAccountedFor({ runs }: Scheduler): Promise<void> {
  const { items } = await runs.list({ scheduleId: 'tick', limit: 1000 })
  let next: number | null = null
  let missed = 0
  for (const run of items.toReversed()) {
    const from = run.missed?.from ?? run.fireTime
    expect(from).toBe(next ?? from)
    missed += run.missed?.count ?? 0
    next = (run.missed?.to ?? run.fireTime) + EVERY_MS
  }
  expect(missed).toBeGreaterThan(0)
}
