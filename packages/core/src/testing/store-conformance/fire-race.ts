import assert from 'node:assert/strict'
import type { Store } from '../../store/contract.js'
import type { DeclarePromise } from './promise.js'
import { definitionOf, STEP_MS, type World, written } from './world.js'

const RACERS = 12

export function fireRacePromises(promise: DeclarePromise): void {
  promise('of many nodes that decide the same, one is first and one run exists', async (world) => {
    const decision = world.decide(await world.schedule('contested'))
    const results = await Promise.all((await handles(world)).map((store) => store.commit([decision], null)))
    assert.equal(results.filter((result) => result.committed[0]).length, 1)
    assert.equal(
      results.reduce((sum, result) => sum + result.waiting, 0),
      1,
    )
    assert.equal((await world.runsOf('contested')).length, 1)
    const { fires, nextFireTime } = await world.stored('contested')
    assert.deepEqual([fires, nextFireTime], [1, world.firstFire + STEP_MS])
  })

  promise(
    'of many nodes that decide differently, one plan is carried out whole and no other in part',
    async (world) => {
      const read = await world.schedule('disputed')
      const results = await Promise.all(
        (await handles(world)).map((store, i) => store.commit([world.decide(read, { runs: i + 1 })], null)),
      )
      const winner = results.findIndex((result) => result.committed[0])
      assert.equal(results.filter((result) => result.committed[0]).length, 1)
      assert.equal((await world.runsOf('disputed')).length, winner + 1)
      assert.equal((await world.stored('disputed')).nextFireTime, world.firstFire + (winner + 1) * STEP_MS)
    },
  )

  promise('nodes that work off many schedules at once make one run of every fire time', async (world) => {
    const ids = Array.from({ length: 8 }, (_, i) => `schedule-${i}`)
    for (const id of ids) await world.schedule(id)
    const rounds = 4
    for (let round = 0; round < rounds; round++) {
      const read = await Promise.all(ids.map((id) => world.stored(id)))
      const batches = (await handles(world)).map((store, i) => {
        // Each in another order, so that locks taken in the order of the batch would cross.
        const turned = [...read.slice(i % ids.length), ...read.slice(0, i % ids.length)]
        return store.commit(
          turned.map((schedule) => world.decide(schedule)),
          null,
        )
      })
      const results = await Promise.all(batches)
      assert.equal(results.flatMap((result) => result.committed).filter(Boolean).length, ids.length)
    }
    for (const id of ids) {
      const times = (await world.runsOf(id)).map((run) => (run.fireTime - world.firstFire) / STEP_MS)
      assert.deepEqual(times, [3, 2, 1, 0])
      assert.equal((await world.stored(id)).fires, rounds)
    }
  })

  promise(
    'an edit that races with a fire either comes first and stops it, or keeps the moved fire time',
    async (world) => {
      const read = await world.schedule('raced')
      const store = await world.second()
      const [result, answers] = await Promise.all([
        world.store.commit([world.decide(read)], null),
        store.putSchedules([
          {
            definition: definitionOf('raced', { description: 'new' }),
            state: 'active',
            stateReason: null,
            expect: read.revision,
            timing: 'keep',
          },
        ]),
      ])
      const edited = written(answers[0])
      const fired = result.committed[0] === true
      assert.equal((await world.runsOf('raced')).length, fired ? 1 : 0)
      const stored = await world.stored('raced')
      assert.equal(stored.revision, edited.revision)
      assert.equal(stored.definition.description, 'new')
      assert.equal(stored.nextFireTime, world.firstFire + (fired ? STEP_MS : 0))
    },
  )

  promise('of many creations of one schedule, one succeeds', async (world) => {
    const answers = await Promise.all(
      (await handles(world)).map((store, i) =>
        store.putSchedules([
          {
            definition: definitionOf('new', { description: `${i}` }),
            state: 'active',
            stateReason: null,
            expect: 'absent',
            timing: null,
          },
        ]),
      ),
    )
    const created = answers.flat().filter((answer) => answer.outcome === 'created')
    assert.equal(created.length, 1)
    assert.deepEqual(written(created[0]), await world.stored('new'))
  })

  promise('many nodes that claim at once never get the same run', async (world) => {
    await world.schedule('shared')
    await world.commit('shared', { runs: 30 })
    const nodes = await Promise.all(
      (await handles(world)).map((store, i) => world.node(`node-${i}`, { store })),
    )
    const claims = await Promise.all(nodes.map((node) => node.claimedIds({ slots: 4 })))
    const claimed = claims.flat()
    assert.equal(claimed.length, 30)
    assert.equal(new Set(claimed).size, 30)
    assert.ok(claims.every((ids) => ids.length <= 4))
  })
}

/** As many callers as race, on two handles in turn. */
async function handles(world: World): Promise<Store[]> {
  const second = await world.second()
  return Array.from({ length: RACERS }, (_, i) => (i % 2 === 0 ? world.store : second))
}
