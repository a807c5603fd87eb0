import { expect, test } from 'vitest'
import { POLICY_DEFAULTS } from '../domain/policies.js'
import { MemoryStore } from '../stores/memory/index.js'
import type { PruneResult } from '../store/contract.js'
import { Upkeep } from './upkeep.js'

/** An upkeep of a store in which each step of pruning takes 30 ms. */
function upkeepWith(answer: (limit: number) => PruneResult): Upkeep {
  let now = 0
  const store = new MemoryStore()
  store.prune = (_, limit) => {
    now += 30
    return Promise.resolve(answer(limit))
  }
  const nothing = (): void => {}
  return new Upkeep({
    store,
    history: POLICY_DEFAULTS.history,
    now: () => now,
    isTrusted: () => true,
    recovered: nothing,
    unclaimed: nothing,
  })
}

test('while there is much to prune, others have as much time as it takes', async () => {
  expect(await upkeepWith((limit) => ({ deleted: limit, more: true })).pruneStep()).toBe(30)
})

test('what is looked through in vain is looked through at leisure, and then left alone for a minute', async () => {
  expect(await upkeepWith(() => ({ deleted: 0, more: true })).pruneStep()).toBe(200)
  expect(await upkeepWith(() => ({ deleted: 3, more: false })).pruneStep()).toBe(60_000)
})
