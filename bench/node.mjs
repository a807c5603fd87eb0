// One node of a measurement: fires `tick`, and says when asked how late it was. The others run in processes of their own.
import { createScheduler, defineTask } from '@evertick/core'
import { spread } from './measure.mjs'

/** `measure()` begins, and ends with what was fired since. */
export async function startNode(store, name, slots) {
  const lateness = []
  let measuring = false
  let missed = 0
  const tick = defineTask({
    name: 'tick',
    run: ({ fireTime }) => {
      if (measuring) lateness.push(Date.now() - fireTime.getTime())
    },
  })
  const scheduler = await createScheduler({
    store,
    tasks: [tick],
    node: { name, slots },
    log: { debug() {}, info() {}, warn: console.warn, error: console.error },
  })
  scheduler.on('run.missed', () => measuring && missed++)
  let before
  return {
    tick,
    scheduler,
    measure() {
      measuring = !measuring
      if (measuring) before = process.cpuUsage()
      const { user, system } = process.cpuUsage(before)
      return { lateness, missed, cpuMs: (user + system) / 1000, memoryBytes: process.memoryUsage.rss() }
    },
  }
}

/** As {@link startNode}, over the channel to the process that forked this one. */
if (process.send !== undefined) {
  const [store, name, slots] = process.argv.slice(2)
  const node = await startNode(store, name, Number(slots))
  process.on('message', (asked) => {
    if (asked === 'measure') process.send(node.measure())
    else void node.scheduler.stop().then(() => process.disconnect())
  })
  await node.scheduler.start()
  process.send('started')
}

/** Of all nodes together. */
export function together(measured) {
  const sum = (of) => measured.reduce((total, each) => total + of(each), 0)
  return {
    fires: sum(({ lateness }) => lateness.length),
    missed: sum(({ missed }) => missed),
    latenessMs: spread(measured.flatMap(({ lateness }) => lateness)),
    cpuMs: sum(({ cpuMs }) => cpuMs),
    memoryBytes: sum(({ memoryBytes }) => memoryBytes),
  }
}
