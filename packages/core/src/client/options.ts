import { hostname } from 'node:os'
import { withDefaults } from '../domain/defaults.js'
import { isTask } from '../domain/define-task.js'
import { checkHistory } from '../domain/definition.js'
import { InvalidError } from '../domain/errors.js'
import { FieldChecks, shown } from '../domain/field-checks.js'
import { ID_RULE, isValidId, type NodeId, type TaskName } from '../domain/ids.js'
import { LEASE_DEFAULTS, type LeaseTiming } from '../domain/lease.js'
import { POLICY_DEFAULTS, type HistoryPolicy } from '../domain/policies.js'
import type { Task } from '../domain/task.js'
import type { SchedulerOptions } from './types.js'

const SLOTS = 100
const STOP_GRACE_MS = 30_000
const MAX_MS = 2_000_000_000

/** The options with every default filled in. */
export interface CompleteOptions {
  readonly name: NodeId
  readonly groups: readonly string[]
  readonly slots: number
  readonly tasks: ReadonlyMap<TaskName, Task>
  readonly timing: LeaseTiming
  readonly history: HistoryPolicy
  readonly stopGraceMs: number
}

const FIELDS = ['store', 'tasks', 'node', 'lease', 'history', 'stopGraceMs', 'log', 'clock', 'random']

/** @throws {InvalidError} INVALID_OPTION, naming every option that is wrong. */
export function completeOptions(options: SchedulerOptions): CompleteOptions {
  const checks = new FieldChecks()
  if (!checks.object('', options, FIELDS)) throw new InvalidError('INVALID_OPTION', checks.problems)
  const { node = {}, lease = {}, history = {}, stopGraceMs = STOP_GRACE_MS } = options
  if (typeof options.store !== 'string' && !has(options.store, ['peek', 'commit', 'watch']))
    checks.add('store', 'store', `must be a store or the URL of one, but is ${shown(options.store)}`)
  if (options.log !== undefined && !has(options.log, ['debug', 'info', 'warn', 'error']))
    checks.add(
      'log',
      'logger',
      `must have the methods debug, info, warn and error, but is ${shown(options.log)}`,
    )
  if (checks.fields('node', node, ['name', 'groups', 'slots'])) {
    if (node.name !== undefined) checks.text('node.name', node.name, 128)
    if (node.slots !== undefined) checks.integer('node.slots', node.slots, 1, 100_000)
    const groups: unknown = node.groups ?? []
    if (!Array.isArray(groups)) checks.add('node.groups', 'array', `must be a list, but is ${shown(groups)}`)
    else
      for (const group of groups) {
        if (!isValidId(group))
          checks.add('node.groups', 'id', `must each be ${ID_RULE}, but one is ${shown(group)}`)
      }
  }
  const timing = withDefaults(LEASE_DEFAULTS, lease)
  if (checks.fields('lease', lease, ['leaseMs', 'renewMs', 'maxBlockMs'])) {
    checks.integer('lease.leaseMs', timing.leaseMs, 200, MAX_MS)
    if (checks.integer('lease.renewMs', timing.renewMs, 10, MAX_MS) && timing.renewMs > timing.leaseMs / 2) {
      checks.add(
        'lease.renewMs',
        'lease.renewTwice',
        `must be at most half of leaseMs (${timing.leaseMs}), but is ${timing.renewMs}`,
      )
    }
    // Signs of life come every half second.
    checks.integer('lease.maxBlockMs', timing.maxBlockMs, 2000, MAX_MS)
  }
  checkHistory(checks, history)
  checks.integer('stopGraceMs', stopGraceMs, 0, MAX_MS)
  const tasks = tasksByName(checks, options.tasks ?? [])
  if (checks.problems.length > 0) throw new InvalidError('INVALID_OPTION', checks.problems)
  return {
    name: node.name ?? `${hostname()}-${process.pid}`,
    groups: [...new Set(node.groups ?? [POLICY_DEFAULTS.group])],
    slots: node.slots ?? SLOTS,
    tasks,
    timing,
    history: withDefaults(POLICY_DEFAULTS.history, history),
    stopGraceMs,
  }
}

function has(value: unknown, methods: readonly string[]): boolean {
  const object = (value ?? {}) as Record<string, unknown>
  return methods.every((method) => typeof object[method] === 'function')
}

function tasksByName(checks: FieldChecks, tasks: unknown): Map<TaskName, Task> {
  const byName = new Map<TaskName, Task>()
  if (typeof (tasks as Partial<Iterable<unknown>> | null)?.[Symbol.iterator] !== 'function') {
    checks.add('tasks', 'iterable', `must be a list of tasks, but is ${shown(tasks)}`)
    return byName
  }
  for (const task of tasks as Iterable<unknown>) {
    if (!isTask(task)) {
      checks.add('tasks', 'task', `must hold what defineTask returned, but one is ${shown(task)}`)
    } else if (byName.has(task.name)) {
      checks.add('tasks', 'task.unique', `must not hold two tasks named ${task.name}`)
    } else {
      byName.set(task.name, task)
    }
  }
  return byName
}
