import { beforeEach, describe, expect, test } from 'vitest'
import type { RunStatus } from '../domain/run.js'
import { Held, TestCluster, type TestMember } from '../testing/test-cluster.js'
import type { RunClient } from './types.js'

let cluster: TestCluster
let member: TestMember
let runs: RunClient
let held: Held

beforeEach(async () => {
  cluster = new TestCluster()
  held = new Held('held', { retry: { maxAttempts: 2, initialDelayMs: 60_000, jitter: 0 } })
  member = await cluster.node({ tasks: [held.task] })
  runs = member.scheduler.runs
})

/** A run that has come to this status. */
async function runThatIs(status: RunStatus): Promise<string> {
  const id = cluster.id(10_000)
  if (status === 'pending') {
    await cluster.schedule(member, { task: 'nobody', maxFires: 1 })
    await cluster.advance(10_000)
  } else if (status === 'missed') {
    await member.scheduler.stop()
    await cluster.schedule(member, {
      task: held.task,
      maxFires: 1,
      catchUp: 'none',
      end: new Date(cluster.startedAt + 10_000),
    })
    await cluster.advance(100_000)
    member = await cluster.node({ tasks: [held.task] })
    runs = member.scheduler.runs
    await cluster.settle()
  } else if (status === 'skipped') {
    await cluster.schedule(member, { task: held.task, maxFires: 2 })
    await cluster.advance(20_000)
    return cluster.id(20_000)
  } else {
    const delivery = status === 'lost' ? 'atMostOnce' : 'atLeastOnce'
    await cluster.schedule(member, {
      task: held.task,
      maxFires: 1,
      delivery,
      ...(status === 'failed' ? { retry: null } : {}),
    })
    await cluster.advance(10_000)
    if (status === 'succeeded') held.last.succeed('done')
    if (status === 'failed' || status === 'retrying') held.last.fail(new Error('no'))
    if (status === 'cancelled') {
      await runs.cancel(id)
      await cluster.settle()
      held.last.fail(new Error('aborted'))
    }
    if (status === 'lost') {
      member.kill()
      member = await cluster.node({ tasks: [held.task] })
      runs = member.scheduler.runs
      await cluster.advance(12_000)
    }
    await cluster.settle()
  }
  expect((await runs.get(id))?.status).toBe(status)
  return id
}

describe('cancelling', () => {
  test.each(['pending', 'retrying'] as const)('a run that is %s ends it at once', async (status) => {
    const id = await runThatIs(status)
    expect(await runs.cancel(id)).toMatchObject({ status: 'cancelled', error: { code: 'CANCELLED' } })
    await cluster.advance(120_000)
    expect((await runs.get(id))!.status).toBe('cancelled')
  })

  test('a run that is running asks its handler to end', async () => {
    const id = await runThatIs('running')
    expect(await runs.cancel(id)).toMatchObject({ status: 'running', cancelRequested: true })
    expect(await runs.cancel(id)).toMatchObject({ status: 'running', cancelRequested: true })
    await cluster.settle()
    expect(held.last.context.signal.aborted).toBe(true)
  })

  test.each(['succeeded', 'failed', 'cancelled', 'lost', 'missed', 'skipped'] as const)(
    'a run that has %s is refused and changes nothing',
    async (status) => {
      const id = await runThatIs(status)
      const before = await runs.get(id)
      await expect(runs.cancel(id)).rejects.toMatchObject({
        code: 'ILLEGAL_STATE',
        message: `Run ${id} is ${status} and cannot be cancelled`,
      })
      expect(await runs.get(id)).toEqual(before)
    },
  )
})

describe('trying again', () => {
  test.each(['failed', 'cancelled', 'lost', 'missed', 'skipped'] as const)(
    'a run that was %s runs once more, under its own id',
    async (status) => {
      const id = await runThatIs(status)
      const before = held.attempts.length
      if (status === 'skipped') {
        held.last.succeed()
        await cluster.settle()
      }
      await runs.retry(id)
      await cluster.advance(1000)
      expect(held.attempts).toHaveLength(before + 1)
      expect(held.last.context.run.id).toBe(id)
      held.last.succeed('at last')
      await cluster.settle()
      expect(await runs.get(id)).toMatchObject({ status: 'succeeded', result: 'at last', error: null })
    },
  )

  test.each(['pending', 'running', 'retrying', 'succeeded'] as const)(
    'a run that is %s is refused',
    async (status) => {
      const id = await runThatIs(status)
      await expect(runs.retry(id)).rejects.toMatchObject({
        code: 'ILLEGAL_STATE',
        message: `Run ${id} is ${status} and cannot be tried again`,
      })
    },
  )
})

test('a run that does not exist is told of by its id', async () => {
  for (const id of ['none@5', 'nonsense', '', 'a@007']) {
    expect(await runs.get(id)).toBeNull()
    for (const call of [runs.cancel(id), runs.retry(id), runs.log(id)]) {
      await expect(call).rejects.toMatchObject({ code: 'RUN_NOT_FOUND', message: `There is no run ${id}` })
    }
  }
})

describe('the log of a run', () => {
  test('is read in pages, from where the last one ended', async () => {
    const id = await runThatIs('running')
    for (let i = 0; i < 5; i++) held.last.context.log(`line ${i}`)
    await cluster.settle()
    const first = await runs.log(id, { limit: 2 })
    expect(first.lines.map(({ message }) => message)).toEqual(['line 0', 'line 1'])
    const rest = await runs.log(id, { after: first.position })
    expect(rest.lines.map(({ message }) => message)).toEqual(['line 2', 'line 3', 'line 4'])
    expect(await runs.log(id, { after: rest.position })).toEqual({ lines: [], position: rest.position })
  })

  test.each([
    [{ limit: 0 }, 'limit'],
    [{ limit: 10_001 }, 'limit'],
    [{ limit: 1.5 }, 'limit'],
    [{ after: -1 }, 'after'],
    [{ after: Number.NaN }, 'after'],
  ])('is not read by %j', async (options, path) => {
    const id = await runThatIs('running')
    await expect(runs.log(id, options)).rejects.toMatchObject({ code: 'INVALID_QUERY', problems: [{ path }] })
  })
})

describe('listing runs', () => {
  beforeEach(async () => {
    await cluster.schedule(member, { task: held.task, overlap: 'allow', maxFires: 5 })
    await cluster.schedule(member, { id: 'other', task: held.task, maxFires: 1 })
    await cluster.advance(60_000)
    held.attempts.find(({ context }) => context.run.scheduleId === 'other')!.succeed()
    await cluster.settle()
  })

  test('goes through all of them in pages, newest first', async () => {
    const ids: string[] = []
    let cursor: string | undefined
    do {
      const page = await runs.list({
        scheduleId: 'job',
        limit: 2,
        ...(cursor === undefined ? {} : { cursor }),
      })
      expect(page.items.length).toBeLessThanOrEqual(2)
      ids.push(...page.items.map(({ id }) => id))
      cursor = page.nextCursor ?? undefined
    } while (cursor !== undefined)
    expect(ids).toEqual([50, 40, 30, 20, 10].map((s) => cluster.id(s * 1000)))
  })

  test('keeps to its filters', async () => {
    expect((await runs.list()).items).toHaveLength(6)
    expect((await runs.list({ status: ['succeeded'] })).items.map(({ scheduleId }) => scheduleId)).toEqual([
      'other',
    ])
    expect((await runs.list({ status: ['succeeded', 'running'] })).items).toHaveLength(6)
    expect((await runs.list({ task: 'nobody' })).items).toEqual([])
  })

  test.each<[object, string]>([
    [{ limit: 0 }, 'limit'],
    [{ limit: 1001 }, 'limit'],
    [{ status: ['done'] }, 'status'],
    [{ status: 'failed' }, 'status'],
    [{ status: 5 }, 'status'],
    [{ scheduleId: 5 }, 'scheduleId'],
    [{ task: 'x'.repeat(200) }, 'task'],
    [{ schedule: 'job' }, 'schedule'],
    [{ cursor: 5 }, 'cursor'],
    [{ cursor: 'nonsense' }, 'cursor'],
  ])('by %j is refused', async (query, path) => {
    await expect(runs.list(query)).rejects.toMatchObject({ code: 'INVALID_QUERY', problems: [{ path }] })
  })

  test('of schedules is refused in the same way', async () => {
    const { schedules } = member.scheduler
    for (const query of [
      { limit: -1 },
      { state: 'gone' },
      { prefix: 5 },
      { cursor: 'nonsense' },
      { ids: ['a'] },
    ]) {
      await expect(schedules.list(query as never)).rejects.toMatchObject({
        code: 'INVALID_QUERY',
        problems: [{ path: Object.keys(query)[0] }],
      })
    }
    await expect(schedules.list('all' as never)).rejects.toMatchObject({ code: 'INVALID_QUERY' })
  })

  test('of schedules goes through them in pages, by id', async () => {
    const { schedules } = member.scheduler
    await schedules.putAll(
      ['a.1', 'a.2', 'b.1'].map((id) => ({
        id,
        task: held.task,
        trigger: { kind: 'interval', every: { days: 1 } },
      })),
    )
    const first = await schedules.list({ limit: 2 })
    const rest = await schedules.list({ limit: 5, cursor: first.nextCursor! })
    expect([...first.items, ...rest.items].map(({ id }) => id)).toEqual(['a.1', 'a.2', 'b.1', 'job', 'other'])
    expect(rest.nextCursor).toBeNull()
    expect((await schedules.list({ prefix: 'a.' })).items).toHaveLength(2)
    expect((await schedules.list({ state: 'finished' })).items.map(({ id }) => id)).toEqual(['job', 'other'])
    expect((await schedules.list({ task: 'nobody' })).items).toEqual([])
  })
})
