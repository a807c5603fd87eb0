import { normaliseDefinition } from '../domain/definition.js'
import { InvalidError, type Problem } from '../domain/errors.js'
import { FieldChecks, shown } from '../domain/field-checks.js'
import { ID_RULE, isValidId, isValidRequestId, REQUEST_ID_RULE, runIdOf } from '../domain/ids.js'
import { isPlainObject } from '../domain/json.js'
import { DELIVERIES } from '../domain/policies.js'
import { RUN_STATUSES, type RunStatus } from '../domain/run.js'
import { SCHEDULE_STATES } from '../domain/schedule.js'

const CALENDAR_FIELDS = [
  'kind',
  'name',
  'definition',
  'revision',
  'createdAt',
  'updatedAt',
  'calendarsRevision',
]
const TOMBSTONE_FIELDS = ['kind', 'id', 'revision', 'highWaterMark', 'expiresAt']
const SCHEDULE_FIELDS = [
  'kind',
  'id',
  'definition',
  'state',
  'stateReason',
  'revision',
  'nextFireTime',
  'dueAt',
  'tzdata',
  'stretchedMs',
  'highWaterMark',
  'fires',
  'consecutiveFailures',
  'createdAt',
  'updatedAt',
  'calendars',
  'calendarsRevision',
  'afterRunMs',
  'open',
]
const RUN_FIELDS = [
  'id',
  'scheduleId',
  'kind',
  'fireTime',
  'stretchedMs',
  'requestId',
  'task',
  'status',
  'attempt',
  'node',
  'fence',
  'priority',
  'group',
  'delivery',
  'dueAt',
  'createdAt',
  'startedAt',
  'endedAt',
  'cancelRequested',
  'error',
  'result',
  'progress',
  'missed',
  'attempts',
  'spec',
]
const KINDS = ['calendar', 'run', 'schedule', 'tombstone'] as const
const RUN_KINDS = ['scheduled', 'manual', 'backfill'] as const
const LEVELS = ['debug', 'info', 'warn', 'error'] as const
const WAITING: readonly RunStatus[] = ['pending', 'retrying']
const NOT_HELD = RUN_STATUSES.filter((status) => status !== 'running')
/** What every store can count to. */
const MOST = 2 ** 31 - 1
const TZDATA = /^[\w.+-]{1,40}$/

/** Tells everything that is wrong with an item of an export; nothing where a store may be given it. */
export function exportProblems(value: unknown): readonly Problem[] {
  const checks = new Checks()
  if (!isPlainObject(value)) checks.add('', 'object', `must be an object, but is ${shown(value)}`)
  else if (checks.oneOf('kind', value['kind'], KINDS)) {
    if (value['kind'] === 'calendar') checks.calendar(value)
    else if (value['kind'] === 'run') checks.single(value)
    else if (value['kind'] === 'schedule') checks.schedule(value)
    else checks.tombstone(value)
  }
  return checks.problems
}

type Fields = Record<string, unknown>

class Checks extends FieldChecks {
  calendar(value: Fields): void {
    this.fields('', value, CALENDAR_FIELDS)
    this.id('name', value['name'])
    const definition = value['definition']
    if (!isPlainObject(definition))
      this.add('definition', 'object', `must be an object, but is ${shown(definition)}`)
    else if (definition['name'] !== value['name'])
      this.add(
        'definition.name',
        'same',
        `must be ${shown(value['name'])}, but is ${shown(definition['name'])}`,
      )
    this.count('revision', value['revision'], 1)
    this.count('calendarsRevision', value['calendarsRevision'], 1)
    this.instants('', value, ['createdAt', 'updatedAt'])
  }

  tombstone(value: Fields): void {
    this.fields('', value, TOMBSTONE_FIELDS)
    this.id('id', value['id'])
    this.count('revision', value['revision'], 1)
    this.instants('', value, ['expiresAt'], ['highWaterMark'])
  }

  schedule(value: Fields): void {
    this.fields('', value, SCHEDULE_FIELDS)
    this.id('id', value['id'])
    this.definition(value['definition'], value['id'])
    this.oneOf('state', value['state'], SCHEDULE_STATES)
    if (value['stateReason'] !== null) this.text('stateReason', value['stateReason'], 10_000)
    this.count('revision', value['revision'], 1)
    this.count('fires', value['fires'], 0, Number.MAX_SAFE_INTEGER)
    this.count('consecutiveFailures', value['consecutiveFailures'], 0)
    this.instants(
      '',
      value,
      ['createdAt', 'updatedAt'],
      ['nextFireTime', 'dueAt', 'highWaterMark', 'afterRunMs', 'stretchedMs'],
    )
    if ((value['nextFireTime'] === null) !== (value['dueAt'] === null))
      this.add('dueAt', 'same', 'must be null where nextFireTime is, and only there')
    if (value['tzdata'] !== null && !(typeof value['tzdata'] === 'string' && TZDATA.test(value['tzdata'])))
      this.add(
        'tzdata',
        'tzdata',
        `must be a version such as 2026a, or null, but is ${shown(value['tzdata'])}`,
      )
    if (value['calendarsRevision'] !== null) this.count('calendarsRevision', value['calendarsRevision'], 0)
    for (const [i, name] of this.list('calendars', value['calendars'])) this.id(`calendars.${i}`, name)
    for (const [i, run] of this.list('open', value['open'])) this.open(`open.${i}`, run, value['id'])
  }

  definition(value: unknown, id: unknown): void {
    // What only the trigger can tell is left to it: one of another release travels too.
    const { adaptive: _adaptive, ...rest } = isPlainObject(value) ? value : {}
    try {
      const { id: own } = normaliseDefinition(
        isPlainObject(value) ? rest : value,
        triggerProblems,
        () => null,
      )
      if (own !== id) this.add('definition.id', 'same', `must be ${shown(id)}, but is ${shown(own)}`)
    } catch (error) {
      if (!(error instanceof InvalidError)) throw error
      for (const { path, rule, message } of error.problems)
        this.problems.push({ path: `definition.${path}`, rule, message: `definition.${message}` })
    }
  }

  single(value: Fields): void {
    this.fields('', value, ['kind', 'run', 'log'])
    this.run('run', value['run'], NOT_HELD, [])
    const run = value['run']
    if (isPlainObject(run) && (run['endedAt'] === null) !== WAITING.includes(run['status'] as RunStatus))
      this.add('run.endedAt', 'same', 'must be null while the run waits, and only then')
    this.log('log', value['log'])
  }

  open(path: string, value: unknown, scheduleId: unknown): void {
    this.run(path, value, WAITING, ['blocked', 'log'])
    if (!isPlainObject(value)) return
    if (value['scheduleId'] !== scheduleId)
      this.add(
        `${path}.scheduleId`,
        'same',
        `must be ${shown(scheduleId)}, but is ${shown(value['scheduleId'])}`,
      )
    this.flag(`${path}.blocked`, value['blocked'])
    if (value['log'] !== undefined) this.log(`${path}.log`, value['log'])
  }

  run(path: string, value: unknown, statuses: readonly RunStatus[], more: readonly string[]): void {
    if (!this.object(path, value, [...RUN_FIELDS, ...more])) return
    const { scheduleId, fireTime, requestId } = value
    this.id(`${path}.scheduleId`, scheduleId)
    this.id(`${path}.task`, value['task'])
    this.id(`${path}.group`, value['group'])
    this.oneOf(`${path}.kind`, value['kind'], RUN_KINDS)
    this.oneOf(`${path}.status`, value['status'], statuses)
    this.oneOf(`${path}.delivery`, value['delivery'], DELIVERIES)
    this.instants(
      `${path}.`,
      value,
      ['fireTime', 'dueAt', 'createdAt'],
      ['stretchedMs', 'startedAt', 'endedAt'],
    )
    if (requestId !== '' && !isValidRequestId(requestId))
      this.add(
        `${path}.requestId`,
        'requestId',
        `must be empty or ${REQUEST_ID_RULE}, but is ${shown(requestId)}`,
      )
    else if (value['id'] !== runIdOf(String(scheduleId), Number(fireTime), requestId))
      this.add(
        `${path}.id`,
        'same',
        `must name its schedule, fire time and request, but is ${shown(value['id'])}`,
      )
    this.count(`${path}.attempt`, value['attempt'], 0)
    this.count(`${path}.fence`, value['fence'], 0, Number.MAX_SAFE_INTEGER)
    this.integer(`${path}.priority`, value['priority'], -1000, 1000)
    this.flag(`${path}.cancelRequested`, value['cancelRequested'])
    for (const field of ['node', 'spec'] as const)
      if (value[field] !== null) this.text(`${path}.${field}`, value[field], 1_000_000)
    for (const field of ['error', 'progress', 'missed'] as const)
      if (value[field] !== null && !isPlainObject(value[field]))
        this.add(`${path}.${field}`, 'object', `must be an object or null, but is ${shown(value[field])}`)
    if (value['result'] === undefined) this.add(`${path}.result`, 'json', 'must be there, at least as null')
    for (const [i, attempt] of this.list(`${path}.attempts`, value['attempts']))
      if (!isPlainObject(attempt))
        this.add(`${path}.attempts.${i}`, 'object', `must be an object, but is ${shown(attempt)}`)
  }

  log(path: string, value: unknown): void {
    for (const [i, line] of this.list(path, value)) {
      if (!this.object(`${path}.${i}`, line, ['at', 'level', 'message'])) continue
      this.instants(`${path}.${i}.`, line, ['at'])
      this.oneOf(`${path}.${i}.level`, line['level'], LEVELS)
      this.text(`${path}.${i}.message`, line['message'], 2_000_000)
    }
  }

  id(field: string, value: unknown): void {
    if (!isValidId(value)) this.add(field, 'id', `must be ${ID_RULE}, but is ${shown(value)}`)
  }

  count(field: string, value: unknown, least: number, most = MOST): void {
    this.integer(field, value, least, most)
  }

  flag(field: string, value: unknown): void {
    if (typeof value !== 'boolean')
      this.add(field, 'boolean', `must be true or false, but is ${shown(value)}`)
  }

  instants(path: string, value: Fields, present: readonly string[], absent: readonly string[] = []): void {
    const { MAX_SAFE_INTEGER, MIN_SAFE_INTEGER } = Number
    for (const field of [...present, ...absent.filter((name) => value[name] !== null)])
      this.integer(path + field, value[field], MIN_SAFE_INTEGER, MAX_SAFE_INTEGER)
  }

  list(field: string, value: unknown): [number, unknown][] {
    if (Array.isArray(value)) return [...value.entries()]
    this.add(field, 'list', `must be a list, but is ${shown(value)}`)
    return []
  }
}

function triggerProblems(trigger: unknown): Problem[] {
  if (isPlainObject(trigger) && typeof trigger['kind'] === 'string') return []
  return [
    { path: '', rule: 'trigger', message: `trigger must be an object with a kind, but is ${shown(trigger)}` },
  ]
}
