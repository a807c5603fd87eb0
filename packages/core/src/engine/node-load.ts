import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Clock } from '../domain/clock.js'
import { loadOf, type NodeMeasures } from '../domain/load.js'

/** How often the event loop is asked, which is also what it reports when nothing delays it. */
const RESOLUTION_MS = 20
/** A shorter time tells nothing: before a hurried heartbeat, or the first one after the start of the process. */
const SHORTEST_MS = 250

/** What a node knows of its work besides what is measured here. */
export type NodeWork = Pick<NodeMeasures, 'slots' | 'slotsInUse' | 'latenessMs'>

export interface NodeSample extends NodeMeasures {
  readonly memoryBytes: number
  readonly load: number
}

/** How busy this process is, since it was last asked. */
export class NodeLoad {
  readonly #clock: Clock
  readonly #delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  #cpuUsage = process.cpuUsage()
  #at: number
  #latenessMs = 0
  #measured = { eventLoopDelayMs: 0, cpu: 0, latenessMs: 0 }
  #load = 0

  constructor(clock: Clock) {
    this.#clock = clock
    this.#at = clock.monotonic()
    this.#delay.enable()
  }

  sample(work: NodeWork): NodeSample {
    this.#latenessMs = Math.max(this.#latenessMs, work.latenessMs)
    const elapsedMs = this.#clock.monotonic() - this.#at
    if (elapsedMs >= SHORTEST_MS) {
      this.#measure(elapsedMs)
      // Halfway from what it was: a short peak, such as a long garbage collection, is not load.
      this.#load = (this.#load + loadOf({ ...work, ...this.#measured })) / 2
    }
    return {
      ...work,
      ...this.#measured,
      memoryBytes: process.memoryUsage.rss(),
      load: Math.round(this.#load * 1000) / 1000,
    }
  }

  #measure(elapsedMs: number): void {
    const used = process.cpuUsage(this.#cpuUsage)
    const delayMs = this.#delay.count > 0 ? this.#delay.percentile(99) / 1e6 - RESOLUTION_MS : 0
    this.#measured = {
      eventLoopDelayMs: Math.max(0, Math.round(delayMs * 10) / 10),
      cpu: Math.round(((used.user + used.system) / 1000 / elapsedMs) * 100) / 100,
      latenessMs: this.#latenessMs,
    }
    this.#cpuUsage = process.cpuUsage()
    this.#at = this.#clock.monotonic()
    this.#latenessMs = 0
    this.#delay.reset()
  }

  stop(): void {
    this.#delay.disable()
  }
}
