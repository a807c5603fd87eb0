import assert from 'node:assert/strict'
import { elsewhere, exported } from './elsewhere.js'
import { needsSharing, type DeclarePromise } from './promise.js'
import { succeeded } from './world.js'

const SCHEDULES = 8
const FIRES = 3
const ROUNDS = 5

export function importRacePromises(promise: DeclarePromise): void {
  promise(
    'what several import at once is all there, also what was created at one moment',
    async (world) => {
      const there = await elsewhere(world)
      const node = await there.node('a')
      for (let i = 0; i < SCHEDULES; i++) {
        await there.schedule(`s${i}`)
        for (let fire = 0; fire < FIRES; fire++) {
          await there.fire(`s${i}`)
          await there.finish(await node.claimOne(), succeeded)
        }
      }
      const items = await exported(there.store)
      const handles = [world.store, await world.second()]
      const wanted = (await there.store.listRuns({ limit: 100 })).items.map(({ id }) => id)
      assert.equal(wanted.length, SCHEDULES * FIRES)
      for (let round = 0; round < ROUNDS; round++) {
        await Promise.all(
          Array.from({ length: SCHEDULES }, (_, i) => {
            const own = items.filter((item) =>
              item.kind === 'run' ? item.run.scheduleId === `s${i}` : 'id' in item && item.id === `s${i}`,
            )
            return handles[i % handles.length]!.import(own)
          }),
        )
      }
      const found: string[] = []
      let cursor: string | null = null
      do {
        const page: { items: { id: string }[]; nextCursor: string | null } = await world.store.listRuns({
          limit: 5,
          ...(cursor === null ? {} : { cursor }),
        })
        found.push(...page.items.map(({ id }) => id))
        cursor = page.nextCursor
      } while (cursor !== null)
      assert.deepEqual(found.toSorted(), wanted.toSorted())
    },
    needsSharing,
  )
}
