import { beforeEach, describe, expect, test } from 'vitest'
import { MemoryStore } from '../stores/memory/index.js'
import { FaultyStore } from './faulty-store.js'
import { ManualClock } from './manual-clock.js'

const item = {
  definition: { id: 'daily', task: 'task', trigger: { kind: 'once' } },
  state: 'active',
  stateReason: null,
  expect: 'absent',
  timing: null,
} as const

describe('FaultyStore', () => {
  let inner: MemoryStore
  let faulty: FaultyStore

  beforeEach(() => {
    inner = new MemoryStore({ clock: new ManualClock() })
    faulty = new FaultyStore(inner)
  })

  test('without a fault planned, every call goes through', async () => {
    await faulty.store.putSchedules([item])
    expect(await faulty.store.getSchedules(['daily'])).toEqual(await inner.getSchedules(['daily']))
    expect(faulty.store.info).toBe(inner.info)
  })

  test('a refused call never reaches the store, and the next one does', async () => {
    faulty.refuse('putSchedules')
    await expect(faulty.store.putSchedules([item])).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    expect(await inner.getSchedules(['daily'])).toEqual([null])
    expect(await faulty.store.putSchedules([item])).toMatchObject([{ outcome: 'created' }])
  })

  test('a call whose answer is lost has written', async () => {
    faulty.loseAnswer('putSchedules')
    await expect(faulty.store.putSchedules([item])).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    expect(await inner.getSchedules(['daily'])).toMatchObject([{ id: 'daily' }])
    expect(await faulty.store.putSchedules([item])).toMatchObject([{ outcome: 'conflict' }])
  })

  test("the store's own error is not covered up by a lost answer", async () => {
    await inner.close()
    faulty.loseAnswer('now')
    await expect(faulty.store.now()).rejects.toMatchObject({ code: 'STORE_CLOSED' })
  })

  test('faults of one verb are taken in the order planned, and leave other verbs alone', async () => {
    faulty.refuse('now', 2)
    faulty.loseAnswer('now')
    await expect(faulty.store.peek(1)).resolves.toMatchObject({ due: [] })
    const answers = await Promise.allSettled([1, 2, 3, 4].map(() => faulty.store.now()))
    expect(answers.map((answer) => answer.status)).toEqual(['rejected', 'rejected', 'rejected', 'fulfilled'])
    expect((answers[0] as PromiseRejectedResult).reason.message).toContain('nothing was written')
    expect((answers[2] as PromiseRejectedResult).reason.message).toContain('the answer was lost')
  })

  test('a held call reaches the store only when released', async () => {
    const held = faulty.hold('putSchedules')
    const put = faulty.store.putSchedules([item])
    await held.arrived
    expect(await inner.getSchedules(['daily'])).toEqual([null])
    held.release()
    expect(await put).toMatchObject([{ outcome: 'created' }])
  })

  test('a store that refuses for ever is back once healed', async () => {
    faulty.refuse('now', Infinity)
    for (let i = 0; i < 5; i++) await expect(faulty.store.now()).rejects.toThrow('now')
    faulty.heal()
    await expect(faulty.store.now()).resolves.toBe(await inner.now())
  })

  test('hints come through', async () => {
    const seen: string[] = []
    faulty.store.watch((hint) => seen.push(hint))
    await faulty.store.putSchedules([item])
    expect(seen).toContain('due')
  })
})
