import { EvertickError } from '../domain/errors.js'
import type { Store } from '../store/contract.js'

/** What can go wrong: everything that asks the store. */
export type StoreVerb = Exclude<keyof Store, 'info' | 'watch' | 'close' | 'within'>

/** A call that is being held up. */
export interface HeldCall {
  /** Fulfilled when the call has arrived; nothing is written yet. */
  readonly arrived: Promise<void>
  /** Lets the call go on to the store. May be called before it arrives. */
  release(): void
}

type Call = () => Promise<unknown>

interface Fault {
  timesLeft: number
  readonly apply: (call: Call) => Promise<unknown>
}

/**
 * Puts a bad connection between a caller and a store. Hand `store` to the code under test, and plan faults by verb:
 * each call takes the next fault planned for its verb; without one it goes through.
 */
export class FaultyStore {
  /** The store behind the bad connection. */
  readonly store: Store
  readonly #faults = new Map<StoreVerb, Fault[]>()

  constructor(inner: Store) {
    this.store = new Proxy(inner, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name, target)
        if (typeof member !== 'function') return member
        // Bound to the store itself: a proxy cannot reach private fields.
        const method = member.bind(target) as (...args: unknown[]) => Promise<unknown>
        if (name === 'watch' || name === 'close' || name === 'within') return method
        const verb = name as StoreVerb
        return (...args: unknown[]) => {
          const call = (): Promise<unknown> => method(...args)
          const fault = this.#next(verb)
          return fault === null ? call() : fault.apply(call)
        }
      },
    })
  }

  /** The next `times` calls fail with STORE_UNAVAILABLE before they reach the store. `Infinity`: until {@link heal}. */
  refuse(verb: StoreVerb, times = 1): void {
    this.#plan(verb, times, () => Promise.reject(unavailable(verb, 'nothing was written')))
  }

  /** The next `times` calls fail with STORE_FULL. `Infinity`: until {@link heal}. */
  full(verb: StoreVerb, times = 1): void {
    const error = (): EvertickError => new EvertickError('STORE_FULL', `The store has no room for ${verb}`)
    this.#plan(verb, times, () => Promise.reject(error()))
  }

  /** The next `times` calls are carried out, and then fail with STORE_UNAVAILABLE as if the answer had got lost. */
  loseAnswer(verb: StoreVerb, times = 1): void {
    this.#plan(verb, times, async (call) => {
      await call()
      throw unavailable(verb, 'the answer was lost')
    })
  }

  /** The next call waits before it reaches the store, until it is released. */
  hold(verb: StoreVerb): HeldCall {
    let arrive!: () => void
    let release!: () => void
    const arrived = new Promise<void>((resolve) => (arrive = resolve))
    const released = new Promise<void>((resolve) => (release = resolve))
    this.#plan(verb, 1, async (call) => {
      arrive()
      await released
      return call()
    })
    return { arrived, release }
  }

  /** Forgets all faults that are planned. A call that is being held stays so until it is released. */
  heal(): void {
    this.#faults.clear()
  }

  #plan(verb: StoreVerb, times: number, apply: Fault['apply']): void {
    const planned = this.#faults.get(verb) ?? []
    this.#faults.set(verb, planned)
    planned.push({ timesLeft: times, apply })
  }

  #next(verb: StoreVerb): Fault | null {
    const planned = this.#faults.get(verb) ?? []
    const fault = planned[0]
    if (fault === undefined) return null
    if (--fault.timesLeft === 0) planned.shift()
    return fault
  }
}

function unavailable(verb: StoreVerb, why: string): EvertickError {
  return new EvertickError('STORE_UNAVAILABLE', `The store did not answer ${verb}: ${why} (planned fault)`)
}
