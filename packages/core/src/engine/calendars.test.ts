import { beforeEach, describe, expect, test } from 'vitest'
import { defineTask } from '../domain/define-task.js'
import type { TaskContext } from '../domain/task.js'
import { FaultyStore } from '../testing/faulty-store.js'
import { ManualClock } from '../testing/manual-clock.js'
import { TestCluster, type TestMember } from '../testing/test-cluster.js'

const DAY_MS = 86_400_000
const NOON = { kind: 'cron', expression: '0 12 * * *' } as const
const EXCEPT_HOLIDAYS = { ...NOON, exclude: { calendar: 'holidays' } }

let cluster: TestCluster
let fired: string[]
const note = defineTask({
  name: 'note',
  run: ({ fireTime }: TaskContext) => void fired.push(fireTime.toISOString().slice(0, 10)),
})

beforeEach(() => {
  cluster = new TestCluster()
  fired = []
})

/** The date so many days after the cluster began. */
const day = (n: number): string => new Date(cluster.startedAt + n * DAY_MS).toISOString().slice(0, 10)

const noonOf = (n: number): number => Date.parse(`${day(n)}T12:00:00Z`)

async function started(dates: readonly string[], trigger: object = EXCEPT_HOLIDAYS): Promise<TestMember> {
  const node = await cluster.node({ tasks: [note] })
  await node.scheduler.calendars.put({ name: 'holidays', dates })
  await cluster.schedule(node, { task: note, trigger: trigger as typeof NOON })
  return node
}

/** Goes to just after that noon; the days before it pass at once, as far as nothing is due in them. */
async function goPastNoonOf(n: number): Promise<void> {
  cluster.clock.set(noonOf(n) - 5000)
  await cluster.advance(5001)
}

const next = async (node: TestMember, id = 'job'): Promise<number | null> =>
  (await node.scheduler.schedules.get(id))!.nextFireTime

describe('a schedule that refers to a calendar', () => {
  test('does not fire on its days, without a trace of them', async () => {
    await started([day(2), day(3)])
    for (const n of [0, 1, 2, 3, 4]) await goPastNoonOf(n)
    expect(fired).toEqual([day(0), day(1), day(4)])
    expect((await cluster.runs()).map(({ status }) => status)).toEqual(fired.map(() => 'succeeded'))
  })

  test('follows an edit of the calendar at once, in both directions', async () => {
    const node = await started([day(1), day(2)])
    await goPastNoonOf(0)
    expect(await next(node)).toBe(noonOf(3))
    await node.scheduler.calendars.put({ name: 'holidays', dates: [day(1)] })
    expect(await next(node)).toBe(noonOf(2))
    await node.scheduler.calendars.put({ name: 'holidays', dates: [day(2), day(3)] })
    expect(await next(node)).toBe(noonOf(1))
    fired = []
    for (const n of [1, 2, 3, 4]) await goPastNoonOf(n)
    expect(fired).toEqual([day(1), day(4)])
  })

  test('does not fire on a day that an edit excludes, even when the edit died before it came to the schedule', async () => {
    const node = await started([])
    await goPastNoonOf(0)
    fired = []
    const editor = await cluster.node({ start: false })
    editor.faults.refuse('listSchedules')
    const definition = { name: 'holidays', dates: [day(1)] }
    await expect(editor.scheduler.calendars.put(definition)).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
    })
    expect(await next(node)).toBe(noonOf(1))

    await goPastNoonOf(1)
    expect(fired).toEqual([])
    expect(await next(node)).toBe(noonOf(2))
    expect((await cluster.runs()).filter(({ fireTime }) => fireTime === noonOf(1))).toEqual([])
    await goPastNoonOf(2)
    expect(fired).toEqual([day(2)])
  })

  test('gets what is left of an edit that died, when the same calendar is put again', async () => {
    const node = await started([day(1)])
    await goPastNoonOf(0)
    const editor = await cluster.node({ start: false })
    editor.faults.refuse('putSchedules')
    const definition = { name: 'holidays', dates: [] }
    await expect(editor.scheduler.calendars.put(definition)).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
    })
    expect(await next(node)).toBe(noonOf(2))
    const again = await editor.scheduler.calendars.put(definition)
    expect(await next(node)).toBe(noonOf(1))
    expect((await editor.scheduler.calendars.put(definition)).revision).toBe(again.revision)
  })

  test('whose plan was made before the edit does not fire by it', async () => {
    const node = await started([])
    await goPastNoonOf(0)
    fired = []
    const commit = node.faults.hold('commit')
    await goPastNoonOf(1)
    await commit.arrived
    const editor = await cluster.node({ start: false })
    await editor.scheduler.calendars.put({ name: 'holidays', dates: [day(1)] })
    commit.release()
    await cluster.settle()
    expect(fired).toEqual([])
    await goPastNoonOf(2)
    expect(fired).toEqual([day(2)])
  })

  test('written with calendars that change meanwhile is computed again', async () => {
    const clock = new ManualClock()
    const { MemoryStore } = await import('../stores/memory/index.js')
    const faults = new FaultyStore(new MemoryStore({ clock }))
    const { createScheduler } = await import('../client/scheduler.js')
    const scheduler = await createScheduler({ store: faults.store, tasks: [note], clock })
    const today = new Date(clock.now()).toISOString().slice(0, 10)
    const tomorrow = new Date(clock.now() + DAY_MS).toISOString().slice(0, 10)
    await scheduler.calendars.put({ name: 'holidays', dates: [today] })
    const held = faults.hold('putSchedules')
    const written = scheduler.schedules.put({ id: 'job', task: note, trigger: EXCEPT_HOLIDAYS })
    await held.arrived
    await scheduler.calendars.put({ name: 'holidays', dates: [today, tomorrow] })
    held.release()
    expect((await written).nextFireTime).toBe(Date.parse(`${tomorrow}T12:00:00Z`) + DAY_MS)
    await scheduler.stop()
  })

  test('becomes broken when the calendar leaves it nothing, and goes on when it does again', async () => {
    const trigger = { kind: 'once', at: `${day(2)}T12:00:00Z`, exclude: { calendar: 'holidays' } }
    const node = await started([], trigger)
    await node.scheduler.calendars.put({ name: 'holidays', dates: [day(2)] })
    expect(await node.scheduler.schedules.get('job')).toMatchObject({
      state: 'broken',
      stateReason: expect.stringMatching(/^NEVER_FIRES: /) as string,
    })
    await node.scheduler.calendars.put({ name: 'holidays', dates: [day(1)] })
    expect(await node.scheduler.schedules.get('job')).toMatchObject({
      state: 'active',
      stateReason: null,
      nextFireTime: noonOf(2),
    })
  })

  test('that is paused stays so, and knows its new fire time', async () => {
    const node = await started([])
    await node.scheduler.schedules.pause('job')
    const at = (await next(node))!
    const date = new Date(at).toISOString().slice(0, 10)
    await node.scheduler.calendars.put({ name: 'holidays', dates: [date] })
    expect(await node.scheduler.schedules.get('job')).toMatchObject({
      state: 'paused',
      nextFireTime: at + DAY_MS,
    })
  })

  test('whose next fire time stays is not touched by an edit', async () => {
    const node = await started([])
    const before = await node.scheduler.schedules.get('job')
    await node.scheduler.calendars.put({ name: 'holidays', dates: [day(300)] })
    expect(await node.scheduler.schedules.get('job')).toEqual(before)
  })

  test('that names one which does not exist is refused, with the one that may be meant', async () => {
    const node = await started([])
    const trigger = { ...NOON, exclude: { calendar: 'holidys' } }
    const put = node.scheduler.schedules.put({ id: 'x', task: note, trigger })
    await expect(put).rejects.toMatchObject({
      code: 'INVALID_TRIGGER',
      problems: [
        {
          path: 'trigger.exclude.calendar',
          rule: 'calendar.known',
          message: expect.stringContaining('did you mean "holidays"?') as string,
        },
      ],
    })
  })

  test('among hundreds: an edit comes to all of them', async () => {
    const node = await started([])
    const ids = Array.from({ length: 1200 }, (_, i) => `job-${i}`)
    await node.scheduler.schedules.putAll(ids.map((id) => ({ id, task: note, trigger: EXCEPT_HOLIDAYS })))
    const at = (await next(node))!
    const date = new Date(at).toISOString().slice(0, 10)
    await node.scheduler.calendars.put({ name: 'holidays', dates: [date] })
    const schedules = await cluster.store.getSchedules(ids)
    expect(new Set(schedules.map((schedule) => schedule?.nextFireTime))).toEqual(new Set([at + DAY_MS]))
  })
})

describe('a calendar', () => {
  test('is refused with everything that is wrong about it', async () => {
    const node = await cluster.node()
    const put = node.scheduler.calendars.put({ name: 'a b', dates: ['2026-02-30'] })
    await expect(put).rejects.toMatchObject({ code: 'INVALID_CALENDAR' })
    await expect(put).rejects.toSatisfy((error: { problems: { path: string }[] }) => {
      return error.problems.map(({ path }) => path).join() === 'name,dates[0]'
    })
  })

  test('is changed only at the revision that the caller saw', async () => {
    const node = await cluster.node()
    const { calendars } = node.scheduler
    const first = await calendars.put({ name: 'days', dates: [] })
    const second = await calendars.put({ name: 'days', weekdays: ['SAT'] }, { ifRevision: first.revision })
    await expect(
      calendars.put({ name: 'days', weekdays: ['SUN'] }, { ifRevision: first.revision }),
    ).rejects.toMatchObject({ code: 'REVISION_CONFLICT' })
    await expect(calendars.put({ name: 'none' }, { ifRevision: 1 })).rejects.toMatchObject({
      code: 'CALENDAR_NOT_FOUND',
    })
    expect(await calendars.get('days')).toEqual(second)
    expect(await calendars.list({ limit: 1 })).toEqual({ items: [second], nextCursor: null })
    await expect(calendars.list({ limit: 0 })).rejects.toMatchObject({ code: 'INVALID_QUERY' })
  })

  test('that a schedule refers to stays, until that one is gone', async () => {
    const node = await started([])
    const { calendars, schedules } = node.scheduler
    await expect(calendars.delete('holidays')).rejects.toMatchObject({
      code: 'ILLEGAL_STATE',
      message: expect.stringContaining('job') as string,
    })
    expect((await schedules.list({ calendar: 'holidays' })).items.map(({ id }) => id)).toEqual(['job'])
    await schedules.patch('job', { trigger: NOON })
    expect(await calendars.delete('holidays')).toBe(true)
    expect(await calendars.delete('holidays')).toBe(false)
  })
})

test('a schedule without calendars costs no look at them, whatever happens to calendars', async () => {
  const node = await cluster.node({ tasks: [note] })
  await cluster.schedule(node, { task: note, trigger: NOON })
  node.faults.refuse('getCalendars', Number.POSITIVE_INFINITY)
  await goPastNoonOf(0)
  const editor = await cluster.node({ start: false })
  await editor.scheduler.calendars.put({ name: 'holidays', dates: [day(1)] })
  await goPastNoonOf(1)
  expect(fired).toEqual([day(0), day(1)])
})

test('what the next fire time was computed with is kept beside it', async () => {
  const node = await cluster.node({ tasks: [note] })
  await cluster.schedule(node, { task: note, trigger: NOON })
  const tzdata = process.versions['tz']
  expect(await node.scheduler.schedules.get('job')).toMatchObject({ tzdata })
  expect(await node.scheduler.listNodes()).toMatchObject([{ tzdata }])
})

test('a fire time that was computed with other time zone data fires as it is stored', async () => {
  const node = await cluster.node({ tasks: [note] })
  const at = cluster.clock.now() + 1234
  await cluster.store.putSchedules([
    {
      definition: { id: 'job', task: 'note', trigger: NOON },
      state: 'active',
      stateReason: null,
      expect: 'absent',
      timing: { fireTime: at, dueAt: at, tzdata: '1999z', calendars: null, afterRunMs: null },
    },
  ])
  await cluster.advance(1234)
  expect((await cluster.runs()).map(({ fireTime }) => fireTime)).toEqual([at])
  expect(await node.scheduler.schedules.get('job')).toMatchObject({ tzdata: process.versions['tz'] })
})
