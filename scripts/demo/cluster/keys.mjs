import { BACK_AFTER_MS } from './cluster.mjs'

/** What a key does to the cluster. */
export function press(key, cluster, course) {
  const node = cluster.nodes[Number(key) - 1]
  if (key === 'ctrl-c') course.leave()
  else if (key === 'q') course.end()
  // Towards the end everything shall live.
  else if (course.isEnding) return
  else if (node !== undefined) course.do(killOrRevive(node, cluster))
  else if (key === 'f') course.do(freezeOrThaw(cluster))
  else if (key === 'r') course.do(cluster.restartRedis())
}

async function killOrRevive(node, cluster) {
  if (node.state === 'dead') await cluster.revive(node)
  else if (node.state !== 'starting') await cluster.kill(node, BACK_AFTER_MS)
}

/** The one that is frozen, or else the one with most in hand. */
async function freezeOrThaw(cluster) {
  const frozen = cluster.nodes.find(({ state }) => state === 'frozen')
  if (frozen !== undefined) {
    cluster.thaw(frozen)
    return
  }
  const inHand = (node) => cluster.held.of(node.life).length
  const up = cluster.nodes.filter(({ state }) => state === 'up')
  const [busiest] = up.toSorted((a, b) => inHand(b) - inHand(a))
  if (busiest !== undefined) await cluster.freeze(busiest)
}
