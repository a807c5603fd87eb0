import { beforeEach, describe, expect, test } from 'vitest'
import { defineTask } from '../domain/define-task.js'
import { SIZE_LIMITS } from '../domain/policies.js'
import type { Run } from '../domain/run.js'
import type { TaskContext, TaskOptions } from '../domain/task.js'
import { Held, TestCluster, type TestMember } from '../testing/test-cluster.js'

let cluster: TestCluster

beforeEach(() => {
  cluster = new TestCluster()
})

/** Runs a handler once, ten seconds after the cluster began. */
async function once(
  run: (context: TaskContext) => unknown,
  options: Partial<TaskOptions<undefined>> = {},
): Promise<{ run: Run; node: TestMember }> {
  const task = defineTask({ name: 'once', ...options, run })
  const node = await cluster.node({ tasks: [task] })
  await cluster.schedule(node, { task, maxFires: 1 })
  await cluster.advance(10_000)
  return { run: await cluster.run(cluster.id(10_000)), node }
}

const hostileThenable = {
  // oxlint-disable-next-line unicorn/no-thenable -- a handler may return one
  then() {
    throw new Error('then')
  },
}

describe('a handler', () => {
  test.each([
    ['nothing', undefined, null],
    ['null', null, null],
    ['a value', { n: [1, 'two'] }, { n: [1, 'two'] }],
    ['a promise', Promise.resolve(5), 5],
    ['a function', () => 5, null],
  ])('that returns %s has succeeded', async (_what, value, result) => {
    const { run, node } = await once(() => value)
    expect(run).toMatchObject({
      status: 'succeeded',
      result,
      error: null,
      attempt: 1,
      endedAt: run.startedAt,
    })
    expect(node.events.map(({ type }) => type)).toEqual(['run.started', 'run.succeeded'])
  })

  test('is given what it is to do', async () => {
    let context!: TaskContext
    const { run } = await once((given) => {
      context = given
    })
    expect(context).toMatchObject({
      input: null,
      attempt: 1,
      fence: run.fence,
      run: {
        id: run.id,
        scheduleId: 'job',
        kind: 'scheduled',
        task: 'once',
        dueAt: run.dueAt,
        createdAt: run.createdAt,
      },
    })
    expect(context.fireTime).toEqual(new Date(run.fireTime))
    expect(context.signal.aborted).toBe(false)
  })

  test.each([
    [
      'throws',
      () => {
        throw new Error('broken')
      },
      'HANDLER_FAILED',
      'broken',
    ],
    ['rejects', () => Promise.reject(new Error('broken')), 'HANDLER_FAILED', 'broken'],
    [
      'throws text',
      () => {
        throw 'just text'
      },
      'HANDLER_FAILED',
      'just text',
    ],
    [
      'throws a plain object',
      () => {
        throw { a: 1 }
      },
      'HANDLER_FAILED',
      'Threw {"a":1}',
    ],
    [
      'throws nothing',
      () => {
        throw undefined
      },
      'HANDLER_FAILED',
      'Threw undefined',
    ],
    ['rejects with a symbol', () => Promise.reject(Symbol('no')), 'HANDLER_FAILED', 'Threw Symbol(no)'],
    [
      'throws a code',
      () => {
        throw Object.assign(new Error('gone'), { code: 'ECONNRESET' })
      },
      'ECONNRESET',
      'gone',
    ],
    [
      'throws a code of no use',
      () => {
        throw Object.assign(new Error('gone'), { code: 'x y' })
      },
      'HANDLER_FAILED',
      'gone',
    ],
    [
      'throws a message that is no text',
      () => {
        throw Object.assign(new Error(), { message: { a: 1 } })
      },
      'HANDLER_FAILED',
      '[object Object]',
    ],
    [
      'returns a cycle',
      () => {
        const a: unknown[] = []
        a.push(a)
        return a
      },
      'HANDLER_FAILED',
      'The result is not JSON',
    ],
    ['returns a big integer', () => 5n, 'HANDLER_FAILED', 'The result is not JSON'],
    ['returns a thenable that throws', () => hostileThenable, 'HANDLER_FAILED', 'then'],
  ])('that %s has failed, and the reason is recorded', async (_what, handler, code, message) => {
    const { run, node } = await once(handler)
    expect(run).toMatchObject({
      status: 'failed',
      error: { code, message: expect.stringContaining(message) },
    })
    expect(node.events.at(-1)).toMatchObject({ type: 'run.failed', error: { code } })
  })

  const hostile: [string, () => unknown][] = [
    [
      'an error whose message cannot be read',
      () =>
        Object.defineProperty(new Error('x'), 'message', {
          get() {
            throw new Error('no')
          },
        }),
    ],
    [
      'an error whose stack cannot be read',
      () =>
        Object.defineProperty(new Error('x'), 'stack', {
          get() {
            throw new Error('no')
          },
        }),
    ],
    [
      'an object that refuses everything',
      () =>
        new Proxy(
          {},
          {
            get() {
              throw new Error('no')
            },
            getPrototypeOf() {
              throw new Error('no')
            },
          },
        ),
    ],
  ]
  test.each(hostile)('that throws %s has failed, and others go on', async (_what, make) => {
    const task = defineTask({
      name: 'sync',
      run() {
        throw make()
      },
    })
    const late = defineTask({ name: 'late', run: () => Promise.reject(make() as Error) })
    const good = defineTask({ name: 'good', run: () => 'fine' })
    const node = await cluster.node({ tasks: [task, late, good] })
    for (const each of [task, late, good]) await cluster.schedule(node, { id: each.name, task: each })
    await cluster.advance(10_000)
    expect(await cluster.run(cluster.id(10_000, 'sync'))).toMatchObject({
      status: 'failed',
      error: { code: 'HANDLER_FAILED' },
    })
    expect(await cluster.run(cluster.id(10_000, 'late'))).toMatchObject({
      status: 'failed',
      error: { code: 'HANDLER_FAILED' },
    })
    expect(await cluster.run(cluster.id(10_000, 'good'))).toMatchObject({ status: 'succeeded' })
  })

  test('that returns too much has done its work: the result is cut, and says so', async () => {
    const { run } = await once(() => 'x'.repeat(SIZE_LIMITS.result))
    expect(run).toMatchObject({
      status: 'succeeded',
      result: { truncated: true, bytes: SIZE_LIMITS.result + 2 },
    })
    expect(JSON.stringify(run.result).length).toBeLessThan(2000)
  })

  test('that fails with a novel leaves a record of bounded length', async () => {
    const { run } = await once(() =>
      Promise.reject(Object.assign(new Error('y'.repeat(100_000)), { stack: 'z'.repeat(100_000) })),
    )
    expect(run.error!.message).toHaveLength(4096)
    expect(run.error!.stack).toHaveLength(8192)
  })

  test('that logs two megabytes leaves one, with a mark, and its outcome', async () => {
    const { run, node } = await once(({ log }) => {
      for (let i = 0; i < 2048; i++) log.info(`${i} ${'x'.repeat(1020)}`)
    })
    expect(run.status).toBe('succeeded')
    const lines = (await node.scheduler.runs.log(run.id, { limit: 10_000 })).lines
    expect(lines.reduce((bytes, line) => bytes + line.message.length, 0)).toBeLessThan(
      1.1 * SIZE_LIMITS.logPerRun,
    )
    expect(lines.length).toBeGreaterThan(900)
    expect(lines.at(-1)!.message).toMatch(/limit|cut|trunc|full/i)
  })

  test('in one line that is far too long keeps its beginning, and what was written besides', async () => {
    const { run, node } = await once(({ log }) => {
      log('before')
      log('x'.repeat(2_000_000))
      log('after')
    })
    const lines = (await node.scheduler.runs.log(run.id)).lines.map(({ message }) => message)
    expect(lines).toEqual(['before', `${'x'.repeat(16_383)}…`, 'after'])
  })

  test('tells of its progress and logs in order, until it has ended', async () => {
    let context!: TaskContext
    const { run, node } = await once((given) => {
      context = given
      const { log, progress } = given
      log('one')
      log.warn('two')
      progress(0.5, 'half')
      progress(null, 'nearly')
      expect(() => progress(2)).toThrow('progress must be a number from 0 to 1, or null, but is 2')
    })
    context.log('too late')
    context.progress(1)
    await cluster.settle()
    expect(
      (await node.scheduler.runs.log(run.id)).lines.map(({ level, message }) => [level, message]),
    ).toEqual([
      ['info', 'one'],
      ['warn', 'two'],
    ])
    expect((await cluster.run(run.id)).progress).toMatchObject({ fraction: null, message: 'nearly' })
  })

  test('takes as long as the monotonic clock says, whatever the wall clock does meanwhile', async () => {
    const held = new Held('held')
    const node = await cluster.node({ tasks: [held.task] })
    await cluster.schedule(node, { task: held.task })
    await cluster.advance(10_000)
    await cluster.advance(1500)
    cluster.clock.set(cluster.clock.now() + 300_000)
    held.last.succeed()
    await cluster.settle()
    expect(node.events.find(({ type }) => type === 'run.succeeded')).toMatchObject({ durationMs: 1500 })
  })
})
