import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Clock } from '../domain/clock.js'

/** How busy this process is, since it was last asked. */
export class NodeLoad {
  readonly #clock: Clock
  readonly #delay = monitorEventLoopDelay({ resolution: 20 })
  #cpu = process.cpuUsage()
  #at: number

  constructor(clock: Clock) {
    this.#clock = clock
    this.#at = clock.monotonic()
    this.#delay.enable()
  }

  sample(): { eventLoopDelayMs: number; cpu: number; memoryBytes: number } {
    const now = this.#clock.monotonic()
    const used = process.cpuUsage(this.#cpu)
    const elapsedMs = Math.max(1, now - this.#at)
    this.#cpu = process.cpuUsage()
    this.#at = now
    const delayMs = this.#delay.count > 0 ? this.#delay.percentile(99) / 1e6 : 0
    this.#delay.reset()
    return {
      eventLoopDelayMs: Math.round(delayMs * 10) / 10,
      cpu: Math.round(((used.user + used.system) / 1000 / elapsedMs) * 100) / 100,
      memoryBytes: process.memoryUsage.rss(),
    }
  }

  stop(): void {
    this.#delay.disable()
  }
}
