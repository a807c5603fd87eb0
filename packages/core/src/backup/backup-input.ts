import type { StandardSchemaV1 } from '@standard-schema/spec'
import { shown } from '../domain/field-checks.js'
import { isPlainObject } from '../domain/json.js'
import { inputSchema } from '../executors/input-schema.js'

/** The input of a backup task, complete. */
export interface BackupInput {
  /** Within the folder that the node allows: names parted by `/`, or empty for that folder itself. */
  readonly directory: string
  /** What pruning leaves; `null`: everything. The backup that was just written always stays. */
  readonly keep: BackupKeep | null
  /** Runs that have ended too, with their logs. */
  readonly history: boolean
}

export interface BackupKeep {
  /** The newest so many; absent: however many there are. */
  readonly count?: number
  /** Those not older than so many days; absent: however old they are. */
  readonly days?: number
}

const FIELDS = ['directory', 'keep', 'history'] as const satisfies readonly (keyof BackupInput)[]
/** No `..`, nothing hidden, no separators of any system, no drive letters, no control characters. */
const NAME = /^[A-Za-z0-9_][A-Za-z0-9_. -]{0,99}$/
const MOST_NAMES = 10

/** Where a backup task may write is decided by the node; this keeps a schedule from naming anything else. */
export const backupInput: StandardSchemaV1<unknown, BackupInput> = inputSchema(FIELDS, (given, checks) => {
  const { directory = '', keep = null, history = false } = given
  if (!isRelative(directory))
    checks.add(
      'directory',
      'directory',
      `must be names of letters, digits, ".", "_", "-" and blanks, parted by "/" and within the folder that the node allows, but is ${shown(directory)}`,
    )
  if (typeof history !== 'boolean')
    checks.add('history', 'boolean', `must be true or false, but is ${shown(history)}`)
  if (keep !== null && checks.object('keep', keep, ['count', 'days'])) {
    if (!isPlainObject(keep) || Object.keys(keep).length === 0)
      checks.add('keep', 'object', 'must say count or days, or both')
    if (keep['count'] !== undefined) checks.integer('keep.count', keep['count'], 1, 100_000)
    if (keep['days'] !== undefined) checks.number('keep.days', keep['days'], 0.01, 100_000)
  }
  return { directory: directory as string, keep: keep as BackupKeep | null, history: history as boolean }
})

function isRelative(directory: unknown): directory is string {
  if (directory === '') return true
  if (typeof directory !== 'string') return false
  const names = directory.split('/')
  return names.length <= MOST_NAMES && names.every((name) => NAME.test(name))
}
