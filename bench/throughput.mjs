// Fires/s with full history: N schedules, one fire each per second, in one process.
//   node bench/throughput.mjs [--store URL|redis|postgres, which start one of their own] [--schedules 10000] [--seconds 30] [--slots 1000]
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createScheduler, defineTask } from '@evertick/core'
import { sleep, spread, timed } from './measure.mjs'
import { startServer } from './servers.mjs'

const { values } = parseArgs({
  options: {
    store: { type: 'string' },
    schedules: { type: 'string', default: '10000' },
    seconds: { type: 'string', default: '30' },
    slots: { type: 'string', default: '1000' },
    json: { type: 'boolean', default: false },
  },
})
const count = Number(values.schedules)
const seconds = Number(values.seconds)
const folder = mkdtempSync(join(tmpdir(), 'evertick-bench-'))
const server = await startServer(values.store)
const store = server?.url ?? values.store ?? `sqlite:${join(folder, 'bench.db')}`

const lateness = []
let measuring = false
const tick = defineTask({
  name: 'tick',
  run: ({ fireTime }) => {
    if (measuring) lateness.push(Date.now() - fireTime.getTime())
  },
})
const scheduler = await createScheduler({
  store,
  tasks: [tick],
  node: { name: 'bench', slots: Number(values.slots) },
  log: { debug() {}, info() {}, warn: console.warn, error: console.error },
})

const loadedIn = await timed(async () => {
  const schedules = Array.from({ length: count }, (_, i) => ({
    id: `tick-${String(i).padStart(6, '0')}`,
    task: tick,
    trigger: { kind: 'interval', every: { seconds: 1 } },
    overlap: 'allow',
  }))
  await scheduler.schedules.putAll(schedules)
})
await scheduler.start()
// The first seconds warm the caches and work off what became due while loading.
await sleep(5000)
measuring = true
const serverBefore = server?.cpuMs()
const cpuBefore = process.cpuUsage()
const elapsedMs = await timed(() => sleep(seconds * 1000))
measuring = false
const cpu = process.cpuUsage(cpuBefore)
const serverCores = server === null ? null : (server.cpuMs() - serverBefore) / elapsedMs
const memoryMb = process.memoryUsage.rss() / 2 ** 20
await scheduler.stop()

const figures = {
  store: store.split(':')[0],
  schedules: count,
  seconds,
  loadPerSecond: Math.round(count / (loadedIn / 1000)),
  firesPerSecond: Math.round(lateness.length / (elapsedMs / 1000)),
  latenessMs: spread(lateness),
  cpuCores: Number(((cpu.user + cpu.system) / 1000 / elapsedMs).toFixed(2)),
  serverCores: serverCores === null ? null : Number(serverCores.toFixed(2)),
  memoryMb: Math.round(memoryMb),
  fileMb: values.store === undefined ? Math.round(statSync(join(folder, 'bench.db')).size / 2 ** 20) : null,
}
console.log(values.json ? JSON.stringify(figures) : figures)
rmSync(folder, { recursive: true, force: true })
await server?.stop()
