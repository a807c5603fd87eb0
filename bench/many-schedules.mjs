// Very many schedules, of which few are due at a time: how long loading takes, what each occupies, how late they fire.
//   node bench/many-schedules.mjs [--store redis|postgres] [--schedules 1000000] [--fires 5000] [--seconds 20]
//     [--begin 200]
import { parseArgs } from 'node:util'
import { sleep, spread, timed } from './measure.mjs'
import { startNode, together } from './node.mjs'
import { startServer } from './servers.mjs'

const { values } = parseArgs({
  options: {
    store: { type: 'string', default: 'redis' },
    schedules: { type: 'string', default: '1000000' },
    fires: { type: 'string', default: '5000' },
    seconds: { type: 'string', default: '20' },
    // By then they should be loaded, and begin to fire.
    begin: { type: 'string', default: '200' },
  },
})
const count = Number(values.schedules)
const seconds = Number(values.seconds)
const periodMs = Math.round((count / Number(values.fires)) * 1000)
const AT_ONCE = 5000
const begin = Date.now() + Number(values.begin) * 1000

const server = await startServer(values.store)
const node = await startNode(server.url, 'bench', 1000)
const { tick, scheduler } = node

const emptyBytes = await server.bytes()
const loadedIn = await timed(async () => {
  for (let first = 0; first < count; first += AT_ONCE) {
    const size = Math.min(AT_ONCE, count - first)
    await scheduler.schedules.putAll(Array.from({ length: size }, (_, i) => schedule(first + i)))
  }
})
const loadedBytes = await server.bytes()
await scheduler.start()
// The first of all have to be read and compiled.
await sleep(Math.max(0, begin - Date.now()) + 10_000)
node.measure()
await sleep(seconds * 1000)
const { fires, missed, latenessMs } = together([node.measure()])
const peeks = []
for (let i = 0; i < 200; i++) peeks.push(await timed(() => scheduler.store.peek(100)))
await scheduler.stop()
await server.stop()

console.log({
  schedules: count,
  loadedInSeconds: Math.round(loadedIn / 1000),
  bytesPerSchedule: Math.round((loadedBytes - emptyBytes) / count),
  firesPerSecond: Math.round(fires / seconds),
  missed,
  latenessMs,
  peekMs: spread(peeks),
})

/** Each has an instant of its own within the period. */
function schedule(i) {
  const start = new Date(begin + Math.floor((i * periodMs) / count)).toISOString()
  const trigger = { kind: 'interval', every: { milliseconds: periodMs }, start }
  return { id: `tick-${String(i).padStart(7, '0')}`, task: tick, trigger, catchUp: 'none' }
}
