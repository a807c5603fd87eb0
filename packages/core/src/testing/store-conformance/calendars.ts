import assert from 'node:assert/strict'
import type { Calendar } from '../../domain/calendar.js'
import type { Schedule } from '../../domain/schedule.js'
import type { PutCalendarResult, PutResult } from '../../store/contract.js'
import { needsSharing, type DeclarePromise } from './promise.js'
import { definitionOf, fireAt, type World } from './world.js'

export function calendarPromises(promise: DeclarePromise): void {
  promise('a new calendar is kept as it was given', async ({ store }) => {
    const definition = { name: 'holidays', dates: ['2026-12-25'], note: 'ünïcode ✓', deep: { a: [null] } }
    const before = await store.now()
    const answer = await store.putCalendar({ definition, expect: 'absent' })
    assert.equal(answer.outcome, 'created')
    const { calendars, revision } = await store.getCalendars(['holidays'])
    const [calendar] = calendars
    assert.ok(calendar)
    assert.deepEqual(calendar, written(answer))
    assert.deepEqual([calendar.name, calendar.definition], ['holidays', definition])
    assert.ok(calendar.createdAt >= before && calendar.updatedAt === calendar.createdAt)
    assert.equal(revision, calendar.revision)
  })

  promise(
    'what is asked for by name comes in the order asked, with null where there is none',
    async (world) => {
      await calendar(world, 'a')
      await calendar(world, 'b')
      const { calendars } = await world.store.getCalendars(['b', 'nowhere', 'a', 'b'])
      assert.deepEqual(
        calendars.map((found) => found?.name ?? null),
        ['b', null, 'a', 'b'],
      )
      const none = await world.store.getCalendars([])
      assert.deepEqual(none.calendars, [])
      assert.equal(none.revision, (await world.store.getCalendars(['a'])).revision)
    },
  )

  promise(
    'a calendar that exists is not created again, and the answer shows what is there',
    async (world) => {
      const first = await calendar(world, 'taken')
      const answer = await world.store.putCalendar({ definition: { name: 'taken', x: 1 }, expect: 'absent' })
      assert.deepEqual(answer, { outcome: 'conflict', calendar: first })
      assert.deepEqual(await stored(world, 'taken'), first)
    },
  )

  promise(
    'an edit of a revision that has passed, or of a calendar that is gone, writes nothing',
    async (world) => {
      const { revision } = await calendar(world, 'edited')
      const current = written(
        await world.store.putCalendar({ definition: { name: 'edited', x: 1 }, expect: revision }),
      )
      assert.ok(current.revision > revision)
      const late = await world.store.putCalendar({ definition: { name: 'edited', x: 2 }, expect: revision })
      assert.deepEqual(late, { outcome: 'conflict', calendar: current })
      assert.deepEqual(await stored(world, 'edited'), current)
      const gone = await world.store.putCalendar({ definition: { name: 'gone' }, expect: 1 })
      assert.deepEqual(gone, { outcome: 'conflict', calendar: null })
    },
  )

  promise('of several edits of one revision, through any handle, one is written', async (world) => {
    const { revision } = await calendar(world, 'contended')
    const second = await world.second()
    const answers = await Promise.all(
      [world.store, second, world.store, second].map((store, i) =>
        store.putCalendar({ definition: { name: 'contended', i }, expect: revision }),
      ),
    )
    const outcomes = answers.map((answer) => answer.outcome).toSorted()
    assert.deepEqual(outcomes, ['conflict', 'conflict', 'conflict', 'updated'])
  })

  promise('calendars are listed by name, page by page', async (world) => {
    for (const name of ['c', 'a', 'd', 'b', 'e']) await calendar(world, name)
    const first = await world.store.listCalendars({ limit: 2 })
    assert.deepEqual(namesOf(first.items), ['a', 'b'])
    assert.ok(first.nextCursor)
    const second = await world.store.listCalendars({ limit: 3, cursor: first.nextCursor })
    assert.deepEqual([namesOf(second.items), second.nextCursor], [['c', 'd', 'e'], null])
    await assert.rejects(world.store.listCalendars({ limit: 1, cursor: 'nonsense' }), {
      code: 'INVALID_QUERY',
    })
  })

  promise('no revision of any calendar comes back, not even after deletion', async (world) => {
    const seen = [(await world.store.getCalendars([])).revision]
    seen.push((await calendar(world, 'again')).revision)
    await world.store.deleteCalendar('again')
    seen.push((await world.store.getCalendars([])).revision)
    seen.push((await calendar(world, 'again')).revision)
    seen.push((await calendar(world, 'other')).revision)
    assert.deepEqual(
      seen,
      [...new Set(seen)].toSorted((a, b) => a - b),
    )
  })

  promise('a peek tells which revision of the calendars holds', async (world) => {
    const { revision } = await calendar(world, 'seen')
    assert.equal((await world.store.peek(1)).calendarsRevision, revision)
    await world.store.deleteCalendar('seen')
    const { revision: after } = await world.store.getCalendars([])
    assert.ok(after > revision)
    assert.equal((await world.store.peek(1)).calendarsRevision, after)
  })

  promise(
    'a change through one handle is seen through another at once',
    async (world) => {
      const second = await world.second()
      const { revision } = await calendar(world, 'shared')
      assert.equal((await second.peek(1)).calendarsRevision, revision)
      assert.equal((await second.getCalendars(['shared'])).calendars[0]?.revision, revision)
    },
    needsSharing,
  )

  promise('deleting answers whether there was one, and refuses a revision that has passed', async (world) => {
    const { revision } = await calendar(world, 'short')
    await assert.rejects(world.store.deleteCalendar('short', revision + 1), { code: 'REVISION_CONFLICT' })
    assert.equal(await world.store.deleteCalendar('short', revision), true)
    assert.deepEqual((await world.store.getCalendars(['short'])).calendars, [null])
    assert.equal(await world.store.deleteCalendar('short'), false)
    assert.equal(await world.store.deleteCalendar('never', 1), false)
  })

  promise('a calendar that schedules refer to is not deleted, and the refusal names them', async (world) => {
    const { revision } = await calendar(world, 'used')
    await referring(world, 'first', ['used'], revision)
    await referring(world, 'second', ['used'], revision)
    await world.schedule('stranger')
    await assert.rejects(world.store.deleteCalendar('used'), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'ILLEGAL_STATE')
      assert.match(error.message, /used .*first, second/)
      assert.doesNotMatch(error.message, /stranger/)
      return true
    })
    assert.equal((await stored(world, 'used')).revision, revision)

    await world.store.deleteSchedule('first')
    await world.edit('second', { timing: fireAt(world.firstFire) })
    assert.equal(await world.store.deleteCalendar('used'), true)
  })

  promise(
    'an edit that keeps the timing, or takes it away, keeps what the schedule refers to',
    async (world) => {
      const { revision } = await calendar(world, 'kept')
      await referring(world, 'a', ['kept'], revision)
      await world.edit('a', { definition: { description: 'new' } })
      await world.edit('a', { timing: null, state: 'finished' })
      await assert.rejects(world.store.deleteCalendar('kept'), { code: 'ILLEGAL_STATE' })
    },
  )

  promise('a schedule that names a calendar which is not there is not written', async (world) => {
    const { revision } = await calendar(world, 'here')
    const answer = await put(world, 'a', ['here', 'nowhere', 'neither'], revision)
    assert.deepEqual(answer, { outcome: 'calendars', missing: ['nowhere', 'neither'] })
    assert.deepEqual(await world.store.getSchedules(['a']), [null])
    assert.equal(await world.store.deleteCalendar('here'), true, 'nothing refers to it')
  })

  promise('a timing from before a change of the calendars is not written', async (world) => {
    const { revision } = await calendar(world, 'moved')
    const before = await referring(world, 'there', ['moved'], revision)
    const now = written(
      await world.store.putCalendar({ definition: { name: 'moved', x: 1 }, expect: revision }),
    )
    const stale = { outcome: 'calendars', missing: [] }
    assert.deepEqual(await put(world, 'new', ['moved'], revision), stale)
    assert.deepEqual(await put(world, 'there', ['moved'], revision, before.revision), stale)
    assert.deepEqual(await world.stored('there'), before)
    assert.equal((await put(world, 'there', ['moved'], now.revision, before.revision)).outcome, 'updated')
  })

  promise('schedules that refer to a calendar can be listed', async (world) => {
    await calendar(world, 'x')
    const { revision } = await calendar(world, 'y')
    await referring(world, 'both', ['x', 'y'], revision)
    await referring(world, 'one', ['y'], revision)
    await world.schedule('none')
    const users = async (name: string): Promise<string[]> =>
      (await world.store.listSchedules({ calendar: name, limit: 10 })).items.map(({ id }) => id)
    assert.deepEqual([await users('x'), await users('y'), await users('z')], [['both'], ['both', 'one'], []])
    await world.store.deleteSchedule('both')
    assert.deepEqual([await users('x'), await users('y')], [[], ['one']])
  })

  promise('a decision from before a change of the calendars is not carried out', async (world) => {
    const { revision } = await calendar(world, 'holidays')
    const read = await referring(world, 'a', ['holidays'], revision)
    const decision = world.decide(read, { calendarsRevision: revision })
    const free = world.decide(await world.schedule('free'))
    const { revision: now } = await calendar(world, 'another')
    assert.deepEqual((await world.store.commit([decision, free], null)).committed, [false, true])
    assert.deepEqual(await world.runsOf('a'), [])
    assert.deepEqual(await world.stored('a'), read)
    const again = await world.store.commit([{ ...decision, calendarsRevision: now }], null)
    assert.deepEqual(again.committed, [true])
  })

  promise('what is due tells with which calendars its fire time was computed', async (world) => {
    const { revision } = await calendar(world, 'first')
    await referring(world, 'a', ['first'], revision)
    assert.equal((await world.store.peek(1)).due[0]?.calendarsRevision, revision)
    const { revision: now } = await calendar(world, 'second')
    assert.equal((await world.store.peek(1)).due[0]?.calendarsRevision, revision)
    await world.commit('a', { calendarsRevision: now })
    assert.equal((await world.store.peek(1)).due[0]?.calendarsRevision, now)
    await world.edit('a', { timing: fireAt(world.firstFire) })
    assert.equal((await world.store.peek(1)).due[0]?.calendarsRevision, null)
  })

  promise('a decision without runs or missed ones only moves the schedule on', async (world) => {
    await world.schedule('passed')
    const result = await world.commit('passed', { runs: 0 })
    assert.deepEqual(result, { committed: [true], claimed: [], waiting: 0, skipped: [], missed: [] })
    const { fires, highWaterMark, nextFireTime } = await world.stored('passed')
    assert.deepEqual([fires, highWaterMark, nextFireTime], [0, null, world.firstFire + 1000])
    assert.deepEqual(await world.runsOf('passed'), [])
  })
}

async function calendar(world: World, name: string): Promise<Calendar> {
  return written(await world.store.putCalendar({ definition: { name }, expect: 'absent' }))
}

async function stored(world: World, name: string): Promise<Calendar> {
  const [found] = (await world.store.getCalendars([name])).calendars
  assert.ok(found, `there is no calendar ${name}`)
  return found
}

function written(answer: PutCalendarResult): Calendar {
  assert.ok(answer.outcome !== 'conflict', 'the calendar was not written')
  return answer.calendar
}

function namesOf(calendars: readonly Calendar[]): string[] {
  return calendars.map(({ name }) => name)
}

/** Creates a schedule that refers to these calendars, or replaces the revision named. */
async function put(
  world: World,
  id: string,
  names: readonly string[],
  revision: number,
  expect: 'absent' | number = 'absent',
): Promise<PutResult> {
  const [answer] = await world.store.putSchedules([
    {
      definition: definitionOf(id),
      state: 'active',
      stateReason: null,
      expect,
      timing: { ...fireAt(world.firstFire), calendars: { names, revision } },
    },
  ])
  return answer!
}

async function referring(
  world: World,
  id: string,
  names: readonly string[],
  revision: number,
): Promise<Schedule> {
  const answer = await put(world, id, names, revision)
  assert.ok(answer.outcome === 'created', `${id} was not written`)
  return answer.schedule
}
