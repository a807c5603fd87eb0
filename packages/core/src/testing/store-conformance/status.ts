import assert from 'node:assert/strict'
import { canBecome, type Run, type RunStatus } from '../../domain/run.js'
import type { AttemptOutcome } from '../../store/contract.js'
import type { DeclarePromise } from './promise.js'
import { failed, retryIn, succeeded, type World } from './world.js'

const ENDS: readonly AttemptOutcome[] = [
  succeeded,
  failed,
  { kind: 'cancelled', error: { code: 'CANCELLED', message: 'x' } },
  retryIn(0),
  { kind: 'interrupted', error: { code: 'STOPPING', message: 'x' } },
  { kind: 'released' },
]

export function statusPromises(promise: DeclarePromise): void {
  for (const delivery of ['atLeastOnce', 'atMostOnce'] as const) {
    promise(`every change of status that a run (${delivery}) goes through is a legal one`, async (world) => {
      for (const [i, outcome] of ENDS.entries()) {
        for (const asked of [false, true]) {
          const { id } = await world.waitingRun(`run-${i}-${asked}`, { delivery })
          const history = new StatusHistory(world, id)
          await history.after(() => world.node('a').then((node) => node.claimOne()))
          const { fence } = await world.run(id)
          if (asked) await history.after(() => world.store.cancelRun(id))
          await history.after(() => world.store.finish([{ runId: id, fence: fence as never, outcome }]))
          await history.after(() => world.store.retryRun(id))
          await history.after(() => world.store.cancelRun(id))
          await history.after(() => world.store.retryRun(id))
          if ((await world.run(id)).status === 'succeeded') continue
          await history.after(() => world.abandon())
          await history.after(() => world.store.recover(10))
          await history.after(() => world.store.cancelRun(id))
        }
      }
    })
  }

  promise('a run that has ended has an end, one that is open has none', async (world) => {
    const node = await world.node('a')
    const { id } = await world.waitingRun('watched')
    const ends: (number | null)[] = []
    const look = async (): Promise<void> => void ends.push((await world.run(id)).endedAt)
    await look()
    const lease = await node.claimOne()
    await look()
    await world.finish(lease, retryIn(0))
    await look()
    await world.finish(await node.claimOne(), failed)
    await look()
    await world.store.retryRun(id)
    await look()
    assert.deepEqual(
      ends.map((end) => end !== null),
      [false, false, false, true, false],
    )
  })
}

/** Follows one run, and fails at the first change of status that the domain does not know. */
class StatusHistory {
  readonly #world: World
  readonly #id: string
  #last: RunStatus = 'pending'

  constructor(world: World, id: string) {
    this.#world = world
    this.#id = id
  }

  async after(step: () => Promise<unknown>): Promise<void> {
    await step()
    const { status }: Run = await this.#world.run(this.#id)
    assert.ok(
      status === this.#last || canBecome(this.#last, status),
      `${this.#id} went from ${this.#last} to ${status}`,
    )
    this.#last = status
  }
}
