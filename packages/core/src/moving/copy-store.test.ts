import { expect, test } from 'vitest'
import type { Store } from '../store/contract.js'
import { MemoryStore } from '../stores/memory/index.js'
import { SqliteStore } from '../stores/sqlite/index.js'
import { FaultyStore, ManualClock } from '../testing/index.js'
import { copyStore } from './copy-store.js'
import { ExportDigest } from './export-digest.js'
import { exportStore } from './export-store.js'
import { importInto } from './import-into.js'

const clock = new ManualClock()
const memory = (): MemoryStore => new MemoryStore({ clock })

async function put(store: Store, ...ids: string[]): Promise<void> {
  await store.putSchedules(
    ids.map((id) => ({
      definition: { id, task: 'task', trigger: { kind: 'interval', every: 1000 } },
      state: 'active',
      stateReason: null,
      expect: 'absent',
      timing: { fireTime: 1, dueAt: 1, tzdata: '2026a', calendars: null, afterRunMs: null },
    })),
  )
}

async function fire(store: Store, id: string): Promise<void> {
  const [schedule] = await store.getSchedules([id])
  const { committed } = await store.commit(
    [
      {
        scheduleId: id,
        revision: schedule!.revision,
        fireTime: schedule!.nextFireTime!,
        runs: [{ fireTime: schedule!.nextFireTime!, dueAt: schedule!.nextFireTime! }],
        missed: null,
        next: { fireTime: schedule!.nextFireTime! + 1000, dueAt: schedule!.nextFireTime! + 1000 },
        tzdata: '2026a',
        calendarsRevision: null,
        task: 'task',
        spec: null,
        overlap: 'allow',
        delivery: 'atLeastOnce',
        priority: 0,
        group: 'default',
      },
    ],
    null,
  )
  expect(committed).toEqual([true])
}

async function digestOf(store: Store): Promise<string> {
  const digest = new ExportDigest()
  for await (const item of exportStore(store, { history: true })) digest.add(item)
  return digest.value
}

const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `s${i}`)

test('a copy holds the same, and says what it is', async () => {
  const [from, to] = [memory(), await SqliteStore.open(':memory:', { clock })]
  await put(from, ...names(1200))
  await fire(from, 's7')
  const seen: number[] = []
  const result = await copyStore(from, to, {
    onProgress: ({ phase, counts }) => phase === 'written' && seen.push(counts.schedule),
  })
  expect(result.counts).toEqual({ calendar: 0, run: 0, schedule: 1200, tombstone: 0 })
  expect(result.digest).toBe(await digestOf(from))
  expect(await digestOf(to)).toBe(result.digest)
  expect(seen.at(-1)).toBe(1200)
  expect(seen).toEqual(seen.toSorted((a, b) => a - b))
  await to.close()
})

test('a copy that was interrupted goes on, and ends as if it had not been', async () => {
  const [from, to] = [memory(), memory()]
  await put(from, ...names(1200))
  const faulty = new FaultyStore(to)
  let batches = 0
  const interrupted = copyStore(from, faulty.store, {
    onProgress: () => ++batches === 2 && faulty.refuse('import'),
  })
  await expect(interrupted).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
  expect((await to.stats()).schedules.active).toBe(500)
  await copyStore(from, to)
  expect(await digestOf(to)).toBe(await digestOf(from))
})

test('a copy that is aborted writes nothing more', async () => {
  const [from, to] = [memory(), memory()]
  await put(from, ...names(1200))
  const controller = new AbortController()
  const aborted = copyStore(from, to, { signal: controller.signal, onProgress: () => controller.abort() })
  await expect(aborted).rejects.toMatchObject({ name: 'AbortError' })
  expect((await to.stats()).schedules.active).toBe(250)
})

test('a second copy brings what has changed', async () => {
  const [from, to] = [memory(), memory()]
  await put(from, 'a', 'b', 'c')
  await copyStore(from, to)
  await fire(from, 'a')
  await from.deleteSchedule('b')
  await put(from, 'd')
  const { counts } = await copyStore(from, to)
  expect(counts).toMatchObject({ schedule: 3, tombstone: 1 })
  expect(await digestOf(to)).toBe(await digestOf(from))
})

test('a target with anything of another origin is refused, and stays as it is', async () => {
  const from = memory()
  await put(from, 'a', 'b')
  clock.set(clock.now() + 5)
  const namesake = memory()
  await put(namesake, 'b')
  const calendar = memory()
  await calendar.putCalendar({ definition: { name: 'holidays' }, expect: 'absent' })
  for (const to of [namesake, calendar]) {
    const before = await digestOf(to)
    await expect(copyStore(from, to)).rejects.toMatchObject({ code: 'STORE_NOT_EMPTY' })
    expect(await digestOf(to)).toBe(before)
  }
  await expect(importInto(namesake, [])).rejects.toMatchObject({ code: 'STORE_NOT_EMPTY' })
})

test('into an existing store it comes beside what is there, whose calendars are looked at again', async () => {
  const [from, to] = [memory(), memory()]
  await put(from, 'a', 'b')
  await from.putCalendar({ definition: { name: 'theirs' }, expect: 'absent' })
  await put(to, 'b', 'c')
  await to.putCalendar({ definition: { name: 'ours' }, expect: 'absent' })
  const before = (await to.getCalendars([])).revision
  await copyStore(from, to, { intoExisting: true })
  expect((await to.listSchedules({ limit: 9 })).items.map(({ id }) => id)).toEqual(['a', 'b', 'c'])
  expect((await to.listCalendars({ limit: 9 })).items.map(({ name }) => name)).toEqual(['ours', 'theirs'])
  expect((await to.getCalendars([])).revision).toBeGreaterThan(before + 1)
})

test('what changes in the target before it was verified is told', async () => {
  const [from, to] = [memory(), memory()]
  await put(from, 'a', 'b')
  const copy = copyStore(from, to, {
    onProgress: ({ phase }) => phase === 'written' && void to.deleteSchedule('a'),
  })
  await expect(copy).rejects.toMatchObject({
    code: 'MOVE_DIFFERS',
    message: expect.stringContaining('1 of 2 schedules') as string,
  })
})

test('a digest depends on every field and on no order', () => {
  const item = { kind: 'tombstone', id: 'a', revision: 1, highWaterMark: 7, expiresAt: 9 } as const
  const digestOfAll = (...items: (typeof item)[]): string => {
    const digest = new ExportDigest()
    for (const each of items) digest.add(each)
    return digest.value
  }
  const other = { ...item, id: 'b' } as unknown as typeof item
  expect(digestOfAll(item, other)).toBe(digestOfAll(other, item))
  expect(digestOfAll(item, item)).not.toBe(digestOfAll())
  const changed = { ...item, highWaterMark: 8 } as unknown as typeof item
  expect(digestOfAll(changed)).not.toBe(digestOfAll(item))
})
