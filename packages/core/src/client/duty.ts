import { Loop, type LoopOptions } from '../engine/loop.js'
import type { LeaderTerm } from './lock-types.js'

/** What a node does while it is leader: run once per term, and again when it failed. */
export class Duty {
  readonly #body: (term: LeaderTerm) => unknown
  readonly #supervision: Pick<LoopOptions, 'clock' | 'random' | 'log'>
  #isOver = false
  #running: { readonly loop: Loop; readonly controller: AbortController } | null = null

  constructor(
    body: (term: LeaderTerm) => unknown,
    supervision: Pick<LoopOptions, 'clock' | 'random' | 'log'>,
  ) {
    this.#body = body
    this.#supervision = supervision
  }

  /** Once per term. */
  begin(fence: number): void {
    if (this.#isOver) return
    const controller = new AbortController()
    const { signal } = controller
    const loop = new Loop({
      ...this.#supervision,
      name: 'leader duty',
      step: () => this.#run({ signal, fence }),
    })
    this.#running = { loop, controller }
    loop.start()
  }

  /** Aborts it with this reason; resolves when it has settled. */
  async end(reason: unknown): Promise<void> {
    this.#running?.controller.abort(reason)
    await this.#running?.loop.stop()
  }

  /** The same for good: it does not begin again. */
  close(reason: unknown): Promise<void> {
    this.#isOver = true
    return this.end(reason)
  }

  async #run(term: LeaderTerm): Promise<number> {
    try {
      await this.#body(term)
    } catch (error) {
      // How it ends after the abort is its own affair.
      if (!term.signal.aborted) throw error
    }
    return Infinity
  }
}
