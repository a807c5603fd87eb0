import { expect, test } from 'vitest'
import { silentLogger } from '../domain/logger.js'
import type { SqlTransaction } from '../domain/sql-transaction.js'
import type { ClaimedRun, Store, StoreWithin } from '../store/contract.js'
import { MemoryStore } from '../stores/memory/index.js'
import { FaultyStore } from '../testing/faulty-store.js'
import { ManualClock } from '../testing/manual-clock.js'
import { HandlerContext } from './handler-context.js'
import { Reporter } from './reporter.js'

async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise<void>((resolve) => void setImmediate(resolve))
}

test('a run is not completed before what its handler wrote is in the store', async () => {
  const clock = new ManualClock()
  const faults = new FaultyStore(new MemoryStore({ clock }))
  const finished: string[] = []
  const within = {
    finish: (reports: readonly { runId: string }[]) => {
      finished.push(...reports.map(({ runId }) => runId))
      return Promise.resolve(reports.map(() => true))
    },
  } as unknown as StoreWithin
  const store: Store = new Proxy(faults.store, {
    get: (target, name) => (name === 'within' ? () => within : (Reflect.get(target, name) as unknown)),
  })
  const reporter = new Reporter({ store, clock, random: () => 0.5, log: silentLogger, refused: () => {} })
  const context = new HandlerContext({ runId: 'daily@1', fence: 1 } as unknown as ClaimedRun, reporter, store)

  const writing = faults.hold('report')
  context.log('written before')
  const completing = context.complete({} as SqlTransaction)
  await writing.arrived
  await settle()
  expect(finished).toEqual([])
  writing.release()
  await completing
  expect(finished).toEqual(['daily@1'])
})
