// What the store alone can do: batches of fires that are committed, leased and ended, without a scheduler around it.
//   node bench/store-cycle.mjs [--store URL|redis|postgres, which start one of their own] [--batch 500] [--seconds 5]
import { parseArgs } from 'node:util'
import { openStore } from '@evertick/core'
import { startServer } from './servers.mjs'

const { values } = parseArgs({
  options: {
    store: { type: 'string', default: 'redis' },
    batch: { type: 'string', default: '500' },
    seconds: { type: 'string', default: '5' },
    json: { type: 'boolean', default: false },
  },
})
const server = await startServer(values.store)
const store = await openStore(server?.url ?? values.store)
const size = Number(values.batch)
const session = { session: 'bench-session', node: 'bench' }
await store.heartbeat({
  ...session,
  host: 'bench',
  pid: 1,
  version: '0',
  tzdata: '2026a',
  groups: ['default'],
  tasks: ['tick'],
  slots: size,
  slotsInUse: 0,
  eventLoopDelayMs: 0,
  cpu: 0,
  memoryBytes: 0,
  latenessMs: 0,
  load: 0,
  leaseMs: 600_000,
})
const from = (await store.now()) - 1_000_000_000
const timing = { fireTime: from, dueAt: from, tzdata: '2026a', calendars: null, afterRunMs: null }
const ids = Array.from({ length: size }, (_, i) => `tick-${String(i).padStart(6, '0')}`)
await store.putSchedules(
  ids.map((id) => ({
    definition: { id, task: 'tick', trigger: { kind: 'interval', every: { seconds: 1 } } },
    state: 'active',
    stateReason: null,
    expect: 'absent',
    timing,
  })),
)

const serverMs = () => server?.cpuMs() ?? 0
let round = 0
async function cycle() {
  const fireTime = from + round * 1000
  const next = { fireTime: fireTime + 1000, dueAt: fireTime + 1000 }
  const decisions = ids.map((scheduleId) => ({
    scheduleId,
    revision: 1,
    fireTime,
    runs: [{ fireTime, dueAt: fireTime }],
    missed: null,
    next,
    tzdata: '2026a',
    calendarsRevision: null,
    task: 'tick',
    spec: null,
    overlap: 'skip',
    delivery: 'atLeastOnce',
    priority: 0,
    group: 'default',
  }))
  const tasks = new Map([['tick', { slots: size, clusterLimit: null }]])
  const dispatch = {
    ...session,
    leaseMs: 600_000,
    requestId: `request-${round++}`,
    slots: size,
    groups: ['default'],
    tasks,
  }
  const { claimed } = await store.commit(decisions, dispatch)
  const outcome = { kind: 'succeeded', result: null }
  const accepted = await store.finish(claimed.map(({ runId, fence }) => ({ runId, fence, outcome })))
  return accepted.filter(Boolean).length
}

const warm = performance.now()
while (performance.now() - warm < 1000) await cycle()
const cpuBefore = [process.cpuUsage(), serverMs()]
const began = performance.now()
let fires = 0
while (performance.now() - began < Number(values.seconds) * 1000) fires += await cycle()
const elapsedMs = performance.now() - began
const own = process.cpuUsage(cpuBefore[0])
const figures = {
  firesPerSecond: Math.round((fires * 1000) / elapsedMs),
  microsOfNode: Number(((own.user + own.system) / fires).toFixed(1)),
  microsOfServer: server === null ? null : Number((((serverMs() - cpuBefore[1]) * 1000) / fires).toFixed(1)),
}
console.log(values.json ? JSON.stringify(figures) : figures)
await store.close()
await server?.stop()
