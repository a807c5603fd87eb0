import type { StoreInfo } from '../../store/contract.js'
import type { StoreHarness, TestApi } from './harness.js'
import { World } from './world.js'

/** Why a store with this information cannot be held to a promise, or `null` when it can. */
export type Requirement = (info: StoreInfo) => string | null

export const needsSharing: Requirement = (info) =>
  info.shared ? null : 'the store is not shared: it has no second handle'

export const needsNotification: Requirement = (info) =>
  info.shared && info.notifies ? null : 'the store does not carry hints to other processes'

export const needsShards: Requirement = (info) =>
  info.shards > 1 ? null : 'the store has one shard: every node looks at all of it'

/** Declares one promise: a sentence, and a test that fails when a store breaks it. */
export type DeclarePromise = (
  sentence: string,
  test: (world: World) => Promise<void>,
  requirement?: Requirement,
) => void

/** Runs each promise of `chapter` against a store of its own. */
export function declareWith(harness: StoreHarness, suite: TestApi): DeclarePromise {
  return (sentence, test, requirement) => {
    suite.test(sentence, async (context) => {
      const subject = await harness.open()
      try {
        const reason = requirement?.(subject.store.info) ?? null
        if (reason === null) await test(await World.around(subject))
        else context.skip(reason)
      } finally {
        await subject.close()
      }
    })
  }
}
