import type { Clock } from '../domain/clock.js'
import { loadOf } from '../domain/load.js'
import type { NodeInfo } from '../store/contract.js'

/** What a node tells of itself with each heartbeat. */
export type NodeDescription = Omit<NodeInfo, 'session'>

/** How busy a node is whose main thread a handler blocks, so that it cannot tell itself. */
export class BlockedLoad {
  readonly #clock: Clock
  #cpuUsage = process.cpuUsage()
  #at: number
  #load = 0

  constructor(clock: Clock) {
    this.#clock = clock
    this.#at = clock.monotonic()
  }

  /** Asked for each heartbeat; `blockedMs` is 0 while the node told in time. */
  describe(node: NodeDescription, blockedMs: number): NodeDescription {
    const cpu = this.#cpu()
    if (blockedMs === 0) {
      this.#load = node.load
      return node
    }
    const told = { ...node, cpu, eventLoopDelayMs: Math.max(node.eventLoopDelayMs, Math.round(blockedMs)) }
    // Halfway from what it was, as the node itself does it.
    this.#load = (this.#load + loadOf(told)) / 2
    return { ...told, memoryBytes: process.memoryUsage.rss(), load: Math.round(this.#load * 1000) / 1000 }
  }

  /** Of the whole process, from whichever thread, since it was last asked. */
  #cpu(): number {
    const now = this.#clock.monotonic()
    const used = process.cpuUsage(this.#cpuUsage)
    const elapsedMs = Math.max(1, now - this.#at)
    this.#cpuUsage = process.cpuUsage()
    this.#at = now
    return Math.round(((used.user + used.system) / 1000 / elapsedMs) * 100) / 100
  }
}
