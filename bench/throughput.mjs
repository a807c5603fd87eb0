// Fires/s with full history: N schedules, one fire each per second, in one process or in several.
//   node bench/throughput.mjs [--store URL|redis|postgres, which start one of their own] [--schedules 10000] [--seconds 30]
//                             [--slots 1000] [--nodes 1]
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { sleep, timed } from './measure.mjs'
import { startNode, together } from './node.mjs'
import { startServer } from './servers.mjs'

const { values } = parseArgs({
  options: {
    store: { type: 'string' },
    schedules: { type: 'string', default: '10000' },
    seconds: { type: 'string', default: '30' },
    slots: { type: 'string', default: '1000' },
    nodes: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
})
const count = Number(values.schedules)
const seconds = Number(values.seconds)
const folder = mkdtempSync(join(tmpdir(), 'evertick-bench-'))
const server = await startServer(values.store)
const store = server?.url ?? values.store ?? `sqlite:${join(folder, 'bench.db')}`

const first = await startNode(store, 'bench-1', Number(values.slots))
const loadedIn = await timed(async () => {
  const schedules = Array.from({ length: count }, (_, i) => ({
    id: `tick-${String(i).padStart(6, '0')}`,
    task: first.tick,
    trigger: { kind: 'interval', every: { seconds: 1 } },
    overlap: 'allow',
  }))
  await first.scheduler.schedules.putAll(schedules)
})
const others = Array.from({ length: Number(values.nodes) - 1 }, (_, i) =>
  fork(fileURLToPath(new URL('node.mjs', import.meta.url)), [store, `bench-${i + 2}`, values.slots], {
    serialization: 'advanced',
  }),
)
await Promise.all(others.map((node) => once(node, 'message')))
await first.scheduler.start()

async function measure() {
  const answers = others.map((node) => once(node, 'message'))
  for (const node of others) node.send('measure')
  const own = first.measure()
  return [own, ...(await Promise.all(answers)).map(([answer]) => answer)]
}

// The first seconds warm the caches and work off what became due while loading.
await sleep(5000)
const serverBefore = server?.cpuMs()
const elapsedMs = await timed(async () => {
  await measure()
  await sleep(seconds * 1000)
})
const { fires, missed, latenessMs, cpuMs, memoryBytes } = together(await measure())
const serverCores = server === null ? null : (server.cpuMs() - serverBefore) / elapsedMs
const left = others.map((node) => once(node, 'exit'))
for (const node of others) node.send('stop')
await Promise.all([first.scheduler.stop(), ...left])

const figures = {
  store: store.split(':')[0],
  schedules: count,
  nodes: others.length + 1,
  seconds,
  loadPerSecond: Math.round(count / (loadedIn / 1000)),
  firesPerSecond: Math.round(fires / (elapsedMs / 1000)),
  missed,
  latenessMs,
  cpuCores: Number((cpuMs / elapsedMs).toFixed(2)),
  serverCores: serverCores === null ? null : Number(serverCores.toFixed(2)),
  memoryMb: Math.round(memoryBytes / 2 ** 20),
  fileMb: values.store === undefined ? Math.round(statSync(join(folder, 'bench.db')).size / 2 ** 20) : null,
}
console.log(values.json ? JSON.stringify(figures) : figures)
rmSync(folder, { recursive: true, force: true })
await server?.stop()
