import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Overlap } from '../../domain/policies.js'
import type { Schedule } from '../../domain/schedule.js'
import type { AttemptReport, FireDecision } from '../../store/contract.js'
import { PostgresServer } from '../../testing/servers/postgres-server.js'
import type { TestNode } from '../../testing/store-conformance/test-node.js'
import { failed, retryIn, STEP_MS, succeeded, World } from '../../testing/store-conformance/world.js'
import { PostgresStore } from './postgres-store.js'

const FIRES = 12
const NODES = 6
const OVERLAPS: readonly Overlap[] = ['allow', 'skip', 'bufferOne', 'bufferAll', 'cancelOther']

let server: PostgresServer
const handles: PostgresStore[] = []

beforeAll(async () => {
  server = await PostgresServer.start()
  for (let i = 0; i < NODES; i++) handles.push(await PostgresStore.open(server.url))
})

afterAll(async () => {
  await Promise.all(handles.map((store) => store.close()))
  await server.stop()
})

/** What others hold at this moment is reported until it is free. */
async function finish(store: PostgresStore, reports: readonly AttemptReport[]): Promise<void> {
  for (let open = reports; open.length > 0;) {
    const answers = await store.finish(open)
    open = open.filter((_, index) => answers[index] === null)
  }
}

/** Fires everything that is due, in whatever order it comes, and ends what it leased in every way there is. */
async function work(
  node: TestNode,
  store: PostgresStore,
  decide: (schedule: Schedule) => FireDecision,
): Promise<void> {
  for (let round = 0; ; round++) {
    const { due } = await store.peek(100)
    if (due.length === 0) break
    const read = await store.getSchedules(due.map(({ id }) => id).toReversed())
    const decisions = read.flatMap((schedule) =>
      schedule === null || schedule.nextFireTime === null ? [] : decide(schedule),
    )
    const { claimed } = await store.commit(decisions, node.dispatch({ slots: 20 }))
    const leases = [...claimed, ...(await node.claim({ slots: 20 }))].toReversed()
    await store.report(
      leases.map((lease) => ({
        ...lease,
        log: [{ level: 'info', message: 'x' }],
        progress: { fraction: 0.5, message: null },
      })),
    )
    const outcomes = [succeeded, failed, retryIn(0), { kind: 'released' } as const]
    await finish(
      store,
      leases.map(({ runId, fence }, i) => ({ runId, fence, outcome: outcomes[(i + round) % 4]! })),
    )
    await store.prune(
      { maxRuns: 1000, maxAgeMs: 1e9, maxFailureAgeMs: 1e9, maxFailures: 1000, maxSkipped: 1000 },
      100,
    )
  }
}

test('many nodes that fire, claim, report, end, edit, cancel and recover at once make one run of every fire time, leave none behind, and never block one another', async () => {
  const world = await World.around({
    store: handles[0]!,
    second: () => Promise.resolve(handles[1]!),
    advance: () => Promise.resolve(),
    close: () => Promise.resolve(),
  })
  const ids = Array.from({ length: 30 }, (_, i) => `s${i}`)
  for (const id of ids) await world.schedule(id)
  const last = world.firstFire + (FIRES - 1) * STEP_MS
  const decide = (schedule: Schedule): FireDecision =>
    world.decide(schedule, {
      overlap: OVERLAPS[Number(schedule.id.slice(1)) % OVERLAPS.length]!,
      ...(schedule.nextFireTime === last ? { next: null } : {}),
    })
  const nodes = await Promise.all(handles.map((store, i) => world.node(`n${i}`, { store, leaseMs: 600_000 })))

  const working = new AbortController()
  const disturbing = (async () => {
    for (let i = 0; !working.signal.aborted; i++) {
      const id = ids[i % ids.length]!
      const doomed = await world.node('doomed', { store: handles[1]! })
      await doomed.claim({ slots: 3 })
      await doomed.leave()
      await Promise.all([handles[1]!.recover(100), handles[2]!.recover(100)])
      const { items } = await handles[3]!.listRuns({ status: ['pending', 'running'], limit: 2 })
      await Promise.all(items.map((run, n) => handles[n]!.cancelRun(run.id)))
      const [schedule] = await handles[4]!.getSchedules([id])
      await handles[4]!.putSchedules([
        {
          definition: { ...schedule!.definition, description: `${i}` },
          state: schedule!.state,
          stateReason: null,
          expect: schedule!.revision,
          timing: 'keep',
        },
      ])
      await handles[5]!.addRuns(ids.toReversed().map((scheduleId) => world.request(scheduleId)))
    }
  })()
  await Promise.all(nodes.map((node, i) => work(node, handles[i]!, decide)))
  working.abort()
  await disturbing
  // What was held when it was to be recovered is recovered the next time.
  while ((await handles[0]!.recover(100)).length > 0);
  // Nothing waits for something that has ended: what is left open can all be run.
  for (let leases = await nodes[0]!.claim(); leases.length > 0; leases = await nodes[0]!.claim()) {
    const reports = leases.map(({ runId, fence }) => ({ runId, fence, outcome: succeeded }))
    await finish(handles[0]!, reports)
  }
  const { pending, running, retrying } = await handles[0]!.stats()
  expect([pending, running, retrying]).toEqual([0, 0, 0])

  for (const id of ids) {
    const scheduled = (await world.runsOf(id)).filter((run) => run.kind === 'scheduled')
    const times = scheduled.map((run) => (run.fireTime - world.firstFire) / STEP_MS)
    expect(times.toReversed()).toEqual(Array.from({ length: FIRES }, (_, i) => i))
    expect((await world.stored(id)).fires).toBe(FIRES)
  }
  const operator = new pg.Client(server.url)
  await operator.connect()
  const { rows } = await operator.query(
    'SELECT deadlocks::integer FROM pg_stat_database WHERE datname = current_database()',
  )
  await operator.end()
  expect(rows).toEqual([{ deadlocks: 0 }])
})
