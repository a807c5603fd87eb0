import { randomUUID } from 'node:crypto'
import { mkdir, open, readdir, realpath, rename, stat, unlink, type FileHandle } from 'node:fs/promises'
import { join, sep } from 'node:path'
import type { EpochMs } from '../domain/clock.js'
import { toIso } from '../domain/clock.js'
import type { BackupKeep } from './backup-input.js'

const NAME = /^evertick-(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d\.\d{3}Z)\.jsonl$/
const UNFINISHED = /^\.evertick-.*\.tmp$/
const DAY_MS = 86_400_000
const BUFFER_BYTES = 256 * 1024

/** A backup that was written whole. */
export interface WrittenBackup {
  readonly file: string
  readonly bytes: number
}

/** What a file of this instant is called: names sort as the instants do. A colon is not allowed everywhere. */
export function backupName(at: EpochMs): string {
  return `evertick-${toIso(at).replaceAll(':', '-')}.jsonl`
}

/**
 * The folder below `root`, made where there is none, for its owner alone.
 * @throws {Error} where a link leads out of `root`.
 */
export async function backupFolder(root: string, directory: string): Promise<string> {
  await mkdir(root, { recursive: true, mode: 0o700 })
  const allowed = await realpath(root)
  let folder = allowed
  // One by one: a link must be seen before anything is made behind it.
  for (const name of directory.split('/').filter((each) => each !== '')) {
    const next = join(folder, name)
    await mkdir(next, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
    folder = await realpath(next)
    if (!folder.startsWith(allowed + sep))
      throw new Error(`${next} leads out of ${allowed}, where backups may be written`)
  }
  return folder
}

/**
 * Writes the lines into a file of this name, which then has all of them or is as it was. It is on the disk when this
 * resolves, and only its owner may read it.
 */
export async function writeBackup(
  folder: string,
  name: string,
  lines: AsyncIterable<string>,
): Promise<WrittenBackup> {
  // An attempt that lost its lease may still be writing.
  const unfinished = join(folder, `.${name}.${randomUUID()}.tmp`)
  const file = join(folder, name)
  try {
    const handle = await open(unfinished, 'wx', 0o600)
    let bytes: number
    try {
      bytes = await writeLines(handle, lines)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(unfinished, file)
    await syncFolder(folder)
    return { file, bytes }
  } catch (error) {
    await unlink(unfinished).catch(() => {})
    throw error
  }
}

const LAST_BYTES = 4096

/** The last line of a file and the size of it; `null` where there is no file. */
export async function lastLineOf(
  folder: string,
  name: string,
): Promise<{ line: string; bytes: number } | null> {
  const handle = await open(join(folder, name), 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
  if (handle === null) return null
  try {
    const { size } = await handle.stat()
    const from = Math.max(0, size - LAST_BYTES)
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(size - from), 0, size - from, from)
    const lines = buffer.toString('utf8', 0, bytesRead).trimEnd().split('\n')
    return { line: lines.at(-1)!, bytes: size }
  } finally {
    await handle.close()
  }
}

async function writeLines(handle: FileHandle, lines: AsyncIterable<string>): Promise<number> {
  let bytes = 0
  let buffered = ''
  const flush = async (): Promise<void> => {
    bytes += (await handle.write(buffered)).bytesWritten
    buffered = ''
  }
  for await (const line of lines) {
    buffered += line
    if (buffered.length >= BUFFER_BYTES) await flush()
  }
  await flush()
  return bytes
}

/** So that the new name survives a power cut. Not every system can. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => null)
  await handle?.sync().catch(() => {})
  await handle?.close()
}

/**
 * Deletes backups that are no longer wanted, and what writers that died left behind; never `written`. Nothing else in the
 * folder is touched. Answers the names of the backups that are gone.
 */
export async function pruneBackups(
  folder: string,
  written: string,
  keep: BackupKeep | null,
  now: EpochMs,
): Promise<string[]> {
  const names = await readdir(folder)
  for (const name of names.filter((each) => UNFINISHED.test(each))) {
    const age = now - (await stat(join(folder, name)).catch(() => ({ mtimeMs: now }))).mtimeMs
    if (age > DAY_MS) await remove(folder, name)
  }
  if (keep === null) return []
  // The newest first. The one just written counts as one of them, whatever its date.
  const others = names
    .filter((name) => NAME.test(name) && name !== written)
    .toSorted()
    .toReversed()
  const gone = others.filter((name, newer) => {
    const isTooMany = keep.count !== undefined && newer + 1 >= keep.count
    const isTooOld = keep.days !== undefined && now - instantOf(name) > keep.days * DAY_MS
    return isTooMany || isTooOld
  })
  for (const name of gone) await remove(folder, name)
  return gone
}

function instantOf(name: string): EpochMs {
  const [, day, hours, minutes, seconds] = NAME.exec(name)!
  return Date.parse(`${day}T${hours}:${minutes}:${seconds}`)
}

/** Somebody else may have been faster. */
async function remove(folder: string, name: string): Promise<void> {
  await unlink(join(folder, name)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
  })
}
