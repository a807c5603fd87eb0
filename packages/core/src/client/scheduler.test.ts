import { describe, expect, test } from 'vitest'
import { defineTask } from '../domain/define-task.js'
import { EvertickError } from '../domain/errors.js'
import { MemoryStore } from '../stores/memory/index.js'
import { completeOptions } from './options.js'
import { createScheduler } from './scheduler.js'
import type { SchedulerOptions } from './types.js'

const run = (): void => {}
const task = defineTask({ name: 'a', run })
const store = new MemoryStore()

function refusal(options: unknown): EvertickError {
  try {
    completeOptions(options as SchedulerOptions)
  } catch (error) {
    if (error instanceof EvertickError) return error
    throw error
  }
  throw new Error('The options were accepted')
}

describe('the options of a scheduler', () => {
  test.each<[string, string, object]>([
    ['store', 'store', { store: undefined }],
    ['store', 'store', { store: {} }],
    ['store', 'store', { store: 5 }],
    ['tasks', 'iterable', { tasks: task }],
    ['tasks', 'iterable', { tasks: { task } }],
    ['tasks', 'task', { tasks: [{ name: 'a', run }] }],
    ['tasks', 'task', { tasks: [null] }],
    ['tasks', 'task.unique', { tasks: [task, defineTask({ name: 'a', run })] }],
    ['node', 'object', { node: 'me' }],
    ['node.name', 'string', { node: { name: 5 } }],
    ['node.slots', 'integer.range', { node: { slots: 0 } }],
    ['node.groups', 'array', { node: { groups: 'gpu' } }],
    ['node.groups', 'id', { node: { groups: ['a b'] } }],
    ['node.group', 'field.unknown', { node: { group: 'gpu' } }],
    ['lease.leaseMs', 'integer.range', { lease: { leaseMs: 10, renewMs: 5 } }],
    ['lease.renewMs', 'lease.renewTwice', { lease: { leaseMs: 4000 } }],
    ['lease.maxBlockMs', 'integer.range', { lease: { maxBlockMs: 1000 } }],
    ['lease', 'object', { lease: null }],
    ['history.maxRuns', 'integer.range', { history: { maxRuns: -1 } }],
    ['history.maxAge', 'field.unknown', { history: { maxAge: 5 } }],
    ['stopGraceMs', 'integer.range', { stopGraceMs: -1 }],
    ['log', 'logger', { log: true }],
    ['log', 'logger', { log: { info: run } }],
    ['url', 'field.unknown', { url: 'memory:' }],
  ])('with a wrong %s are refused by the rule %s', (path, rule, options) => {
    const error = refusal({ store, ...options })
    expect(error.code).toBe('INVALID_OPTION')
    expect(error.problems).toContainEqual({
      path,
      rule,
      message: expect.stringMatching(new RegExp(`^${path} `)),
    })
  })

  test('are told of all at once', () => {
    expect(refusal({ store, stopGraceMs: 'long', node: { slots: -1 }, colour: 1 }).problems).toHaveLength(3)
    expect(refusal(undefined)).toMatchObject({ code: 'INVALID_OPTION' })
  })

  test('given as undefined are not given', () => {
    expect(
      completeOptions({
        store,
        tasks: undefined,
        node: { name: undefined, groups: undefined, slots: undefined },
        lease: { leaseMs: undefined },
        history: { maxRuns: undefined },
        stopGraceMs: undefined,
      }),
    ).toEqual(completeOptions({ store }))
  })

  test('may hold any iterable of tasks, and each group once', () => {
    const { tasks, groups } = completeOptions({
      store,
      tasks: new Set([task]),
      node: { groups: ['a', 'b', 'a'] },
    })
    expect([...tasks.keys()]).toEqual(['a'])
    expect(groups).toEqual(['a', 'b'])
  })
})

describe('creating a scheduler', () => {
  test('opens the store that a URL names', async () => {
    const scheduler = await createScheduler({ store: 'sqlite::memory:', tasks: [task], node: { name: 'me' } })
    expect(scheduler).toMatchObject({ node: 'me', store: { info: { kind: 'sqlite' } } })
    expect([...scheduler.tasks.keys()]).toEqual(['a'])
    await scheduler.stop()
  })

  test('refuses the URL of nothing that it knows', async () => {
    await expect(createScheduler({ store: 'mongodb://user:secret@host/db' })).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      problems: [{ path: 'store', message: expect.not.stringContaining('secret') }],
    })
  })

  test('fires nothing before it is started, but lets schedules be edited', async () => {
    const own = new MemoryStore()
    const scheduler = await createScheduler({ store: own, tasks: [task] })
    await scheduler.schedules.put({
      id: 'job',
      task,
      trigger: { kind: 'interval', every: { milliseconds: 1 } },
    })
    await new Promise<void>((resolve) => void setImmediate(resolve))
    expect((await scheduler.runs.list()).items).toEqual([])
    expect(await own.listNodes()).toEqual([])
  })
})

test('a scheduler that was stopped says that it cannot start again', async () => {
  const scheduler = await createScheduler({ store: 'memory:' })
  await scheduler.start()
  await scheduler.stop()
  await expect(scheduler.start()).rejects.toMatchObject({ code: 'ILLEGAL_STATE' })
})
