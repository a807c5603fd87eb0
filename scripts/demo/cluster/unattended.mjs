import { setTimeout as sleep } from 'node:timers/promises'

const PAUSE_MS = 4000
const BACK_AFTER_MS = 3000
/** Longer than the lease, so that others take over what the frozen node holds. */
const FROZEN_MS = 12_000

const PLAN = ['kill', 'kill', 'redis', 'kill', 'freeze']

/** Does to the cluster what a person at the keys would do, one thing after the other, until the signal aborts. */
export async function unattended(cluster, signal) {
  const pause = (ms) => sleep(ms, undefined, { signal })
  const { nodes } = cluster
  try {
    for (let turn = 0, victim = 0; ; turn++) {
      await pause(PAUSE_MS)
      const what = PLAN[turn % PLAN.length]
      if (what === 'redis') {
        await cluster.restartRedis()
        continue
      }
      const node = nodes[victim++ % nodes.length]
      if (node.state !== 'up') continue
      if (what === 'kill') await cluster.kill(node, BACK_AFTER_MS)
      else {
        await cluster.freeze(node)
        await pause(FROZEN_MS)
        if (node.state === 'frozen') cluster.thaw(node)
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
}
