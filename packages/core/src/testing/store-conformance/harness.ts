import type { Store } from '../../store/contract.js'

/** How the suite gets at the store that it examines. */
export interface StoreHarness {
  /** Names the suite in the report: `sqlite`, `redis cluster`. */
  readonly name: string
  /** An empty store, for one test. */
  open(): Promise<StoreUnderTest>
}

/** One empty store, and what a test may do around it. */
export interface StoreUnderTest {
  readonly store: Store
  /** Another handle on the same data, as another process would have. A store that is not shared answers itself. */
  second(): Promise<Store>
  /** Lets at least `ms` pass on the store's clock: by steering it, or by waiting. */
  advance(ms: number): Promise<void>
  /** Closes every handle and removes the data. */
  close(): Promise<void>
}

/** The part of a test runner that the suite needs: `describe` and `test` of vitest or of node:test fit as they are. */
export interface TestApi {
  describe(name: string, body: () => void): unknown
  test(name: string, body: (context: TestContext) => Promise<void>): unknown
}

export interface TestContext {
  skip(reason?: string): void
}
