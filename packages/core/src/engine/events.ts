import type { Logger } from '../domain/logger.js'

/** Typed events. Without a listener, emitting costs one look-up and nothing is built: see {@link has}. */
export class Events<Types extends object> {
  readonly #listeners = new Map<keyof Types, Set<(event: never) => unknown>>()
  readonly #log: Logger

  constructor(log: Logger) {
    this.#log = log
  }

  on<Type extends keyof Types>(type: Type, listener: (event: Types[Type]) => void): () => void {
    const entry = (event: Types[Type]): unknown => listener(event)
    const listeners = this.#listeners.get(type) ?? new Set()
    this.#listeners.set(type, listeners.add(entry))
    return () => void listeners.delete(entry)
  }

  /** Ask before building an event on a hot path. */
  has(type: keyof Types): boolean {
    const listeners = this.#listeners.get(type)
    return listeners !== undefined && listeners.size > 0
  }

  emit<Type extends keyof Types>(type: Type, event: Types[Type]): void {
    const listeners = this.#listeners.get(type)
    if (listeners === undefined) return
    for (const listener of listeners) {
      try {
        const result: unknown = (listener as (event: Types[Type]) => unknown)(event)
        // An async listener is taken for one that returns nothing: a rejection of it would end the process.
        if (result instanceof Promise) result.catch((error: unknown) => this.#failed(type, error))
      } catch (error) {
        this.#failed(type, error)
      }
    }
  }

  #failed(type: keyof Types, error: unknown): void {
    this.#log.error(
      { err: error, event: type },
      'A listener of an event failed; the event went on to the others',
    )
  }
}
