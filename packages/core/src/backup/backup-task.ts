import { join } from 'node:path'
import { systemClock, type Clock } from '../domain/clock.js'
import { defineTask } from '../domain/define-task.js'
import type { Task, TaskContext } from '../domain/task.js'
import type { ExportCounts } from '../moving/export-digest.js'
import { exportLines, type ExportEnd } from '../moving/export-file.js'
import type { Store } from '../store/contract.js'
import { backupFolder, backupName, lastLineOf, pruneBackups, writeBackup } from './backup-files.js'
import { backupInput, type BackupInput } from './backup-input.js'

export interface BackupTaskOptions {
  /** What to back up; asked when a run begins. */
  readonly store: () => Store
  /** Backups are written here or in a folder below, and nowhere else, whatever a schedule says. */
  readonly root: string
  /** @default 'backup' */
  readonly name?: string
  readonly clock?: Clock
}

/** What a backup leaves as the run's result. */
export interface BackupResult {
  readonly file: string
  readonly bytes: number
  readonly counts: ExportCounts
  readonly digest: string
  /** The names of older backups that were deleted. */
  readonly pruned: readonly string[]
}

const TIMEOUT_MS = 60 * 60_000

/**
 * A task that writes a store into a dated file, `evertick-<fire time>.jsonl`, which `evertick import` reads. The file is
 * there whole or not at all, and only its owner may read it; a further attempt keeps one that is whole. Older backups are
 * deleted only after a new one is on the disk, and that one never.
 */
export function backupTask({
  store,
  root,
  name = 'backup',
  clock = systemClock,
}: BackupTaskOptions): Task<BackupInput> {
  return defineTask({
    name,
    description: 'Writes everything that the store holds into a dated file.',
    input: backupInput,
    timeoutMs: TIMEOUT_MS,
    retry: { maxAttempts: 3 },
    // Two at once would only hold each other up.
    concurrency: { cluster: 1 },
    run: (context) => backUp(context, store(), root, clock),
  })
}

async function backUp(
  { input, fireTime, signal, log }: TaskContext<BackupInput>,
  store: Store,
  root: string,
  clock: Clock,
): Promise<BackupResult> {
  const folder = await backupFolder(root, input.directory)
  const name = backupName(fireTime.getTime())
  // Written by an attempt whose end was not heard of, or by the one that the store was restored from: it stays.
  const known = await wholeBackup(folder, name)
  const written =
    known ??
    (await write(folder, name, exportLines(store, { history: input.history, clock, signal }), signal))
  log(`${known === null ? 'Wrote' : 'Kept'} ${written.file} (${written.bytes} bytes)`)
  const pruned = await pruneBackups(folder, name, input.keep, await store.now())
  if (pruned.length > 0) log(`Deleted ${pruned.join(', ')}`)
  return { ...written, pruned }
}

type Whole = Omit<BackupResult, 'pruned'>

async function write(
  folder: string,
  name: string,
  lines: AsyncGenerator<string, ExportEnd>,
  signal: AbortSignal,
): Promise<Whole> {
  let end: ExportEnd | null = null
  const told = async function* (): AsyncGenerator<string, void> {
    end = yield* lines
    signal.throwIfAborted()
  }
  const { file, bytes } = await writeBackup(folder, name, told())
  const { counts, digest } = end as unknown as Required<ExportEnd>
  return { file, bytes, counts, digest }
}

async function wholeBackup(folder: string, name: string): Promise<Whole | null> {
  const last = await lastLineOf(folder, name)
  if (last === null) return null
  try {
    const { evertick, counts, digest } = JSON.parse(last.line) as ExportEnd
    if (evertick !== 'end' || counts === undefined || digest === undefined) return null
    return { file: join(folder, name), bytes: last.bytes, counts, digest }
  } catch {
    return null
  }
}
