import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Store } from '../store/contract.js'
import type { TaskContext } from '../domain/task.js'
import { MemoryStore } from '../stores/memory/index.js'
import { FaultyStore, ManualClock } from '../testing/index.js'
import type { BackupInput } from './backup-input.js'
import { backupTask, type BackupResult } from './backup-task.js'

const DAY_MS = 86_400_000
const START = Date.UTC(2026, 0, 10, 2)

let root: string
let clock: ManualClock
let store: Store

beforeEach(async () => {
  root = join(await realpath(await mkdtemp(join(tmpdir(), 'evertick-backup-'))), 'backups')
  clock = new ManualClock(START)
  store = new MemoryStore({ clock })
  await store.putCalendar({ definition: { name: 'holidays' }, expect: 'absent' })
})
afterEach(() => rm(join(root, '..'), { recursive: true }))

async function backUp(
  input: object = {},
  options: { at?: number; signal?: AbortSignal } = {},
): Promise<BackupResult> {
  const task = backupTask({ store: () => store, root, clock })
  const checked = await task.inputSchema!['~standard'].validate(input)
  if (checked.issues !== undefined) throw new Error(checked.issues.map(({ message }) => message).join())
  const context: Partial<TaskContext<BackupInput>> = {
    input: checked.value as BackupInput,
    fireTime: new Date(options.at ?? clock.now()),
    signal: options.signal ?? new AbortController().signal,
    log: Object.assign(() => {}, { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }),
  }
  return (await task.run(context as TaskContext<BackupInput>)) as BackupResult
}

test('a backup is a dated file that only its owner can read, with all that the store holds', async () => {
  const result = await backUp({ directory: 'nightly/west' })
  expect(result).toMatchObject({ counts: { calendar: 1 }, pruned: [] })
  expect(result.file).toBe(join(root, 'nightly/west/evertick-2026-01-10T02-00-00.000Z.jsonl'))
  const text = await readFile(result.file, 'utf8')
  expect(text.length).toBe(result.bytes)
  expect(JSON.parse(text.trimEnd().split('\n').at(-1)!)).toMatchObject({
    evertick: 'end',
    digest: result.digest,
  })
  expect((await stat(result.file)).mode & 0o777).toBe(0o600)
  expect((await stat(join(root, 'nightly'))).mode & 0o777).toBe(0o700)
  expect(await readdir(join(root, 'nightly/west'))).toHaveLength(1)
})

test('a further attempt keeps the file that is whole, and writes one anew that is not', async () => {
  const first = await backUp()
  const text = await readFile(first.file, 'utf8')
  clock.set(clock.now() + 60_000)
  await store.putCalendar({ definition: { name: 'later' }, expect: 'absent' })
  expect(await backUp({}, { at: START })).toEqual(first)
  expect(await readFile(first.file, 'utf8')).toBe(text)
  for (const half of [text.slice(0, -10), text.slice(0, text.lastIndexOf('{')), '']) {
    await writeFile(first.file, half)
    expect(await backUp({}, { at: START })).toMatchObject({ file: first.file, counts: { calendar: 2 } })
    expect(await readFile(first.file, 'utf8')).toMatch(/"later".*\n{"evertick":"end".*\n$/s)
  }
  expect(await readdir(root)).toHaveLength(1)
})

test('what fails half-way leaves no file, and deletes none', async () => {
  const { file } = await backUp()
  const before = await readFile(file, 'utf8')
  clock.set(clock.now() + DAY_MS)
  const faulty = new FaultyStore(store)
  store = faulty.store
  faulty.refuse('exportTombstones')
  await expect(backUp({ keep: { count: 1 } })).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
  await expect(
    backUp({ keep: { count: 1 } }, { signal: AbortSignal.abort(new Error('lost')) }),
  ).rejects.toThrow('lost')
  expect(await readdir(root)).toEqual(['evertick-2026-01-10T02-00-00.000Z.jsonl'])
  expect(await readFile(file, 'utf8')).toBe(before)
})

test('an attempt that is aborted at its end leaves what was there', async () => {
  const { file } = await backUp()
  const before = 'half of it'
  await writeFile(file, before)
  const controller = new AbortController()
  const inner = store
  store = new Proxy(inner, {
    get: (target, name) => {
      const member = Reflect.get(target, name, target) as (...args: unknown[]) => unknown
      if (name !== 'exportTombstones') return member.bind(target)
      return (...args: unknown[]) => {
        controller.abort(new Error('lost'))
        return member.apply(target, args)
      }
    },
  })
  await expect(backUp({}, { at: START, signal: controller.signal })).rejects.toThrow('lost')
  expect(await readFile(file, 'utf8')).toBe(before)
})

test('the newest are kept by count, those not too old by days, and the one just written always', async () => {
  for (let day = 0; day < 5; day++) {
    await backUp()
    clock.set(clock.now() + DAY_MS)
  }
  const { pruned } = await backUp({ keep: { count: 4 } })
  expect(pruned).toEqual([
    'evertick-2026-01-11T02-00-00.000Z.jsonl',
    'evertick-2026-01-10T02-00-00.000Z.jsonl',
  ])
  expect((await backUp({ keep: { days: 1.5 } })).pruned).toHaveLength(2)
  expect(await daysIn(root)).toEqual(['14', '15'])
  // By hand, for a time long ago: it is the newest that there is to read.
  const old = await backUp({ keep: { count: 1, days: 1 } }, { at: START - 30 * DAY_MS })
  expect(await readdir(root)).toEqual(['evertick-2025-12-11T02-00-00.000Z.jsonl'])
  expect(old.pruned).toHaveLength(2)
})

test('nothing but backups is deleted, and of writers only what they left a day ago', async () => {
  await backUp()
  const others = [
    'evertick.db',
    'notes.jsonl',
    'evertick-2026-01-01.jsonl',
    '.evertick-a.tmp',
    '.evertick-b.tmp',
  ]
  for (const name of others) await writeFile(join(root, name), '')
  const longAgo = new Date(START - 2 * DAY_MS)
  await utimes(join(root, '.evertick-a.tmp'), longAgo, longAgo)
  await utimes(join(root, '.evertick-b.tmp'), new Date(START), new Date(START))
  clock.set(clock.now() + 1000)
  await backUp({ keep: { count: 1 } })
  const left = new Set(await readdir(root))
  expect(others.filter((name) => !left.has(name))).toEqual(['.evertick-a.tmp'])
})

test.each([
  '..',
  '../elsewhere',
  'a/../../b',
  '/etc',
  'a//b',
  'a/',
  './a',
  '.hidden',
  'C:\\x',
  'a\\b',
  'a\0b',
  'a\nb',
  '~root',
  'x'.repeat(101),
  Array.from({ length: 11 }, () => 'a').join('/'),
  5,
  ['a'],
])('the directory %j is refused before anything is written', async (directory) => {
  await expect(backUp({ directory })).rejects.toThrow(/must be names of letters/)
  await expect(stat(root)).rejects.toThrow('ENOENT')
})

test('a link that leads out is not followed', async () => {
  const outside = join(root, '../outside')
  await mkdir(outside)
  await mkdir(root)
  await symlink(outside, join(root, 'west'))
  await symlink(root, join(root, 'loop'))
  await expect(backUp({ directory: 'west' })).rejects.toThrow(/leads out of/)
  await expect(backUp({ directory: 'west/deeper' })).rejects.toThrow(/leads out of/)
  await expect(backUp({ directory: 'loop' })).rejects.toThrow(/leads out of/)
  expect(await readdir(outside)).toEqual([])
  await symlink(join(outside, 'secret'), join(root, 'evertick-2026-01-10T02-00-00.000Z.jsonl'))
  await backUp()
  expect(await readdir(outside)).toEqual([])
  await chmod(root, 0o700)
})

test.each([
  { keep: {} },
  { keep: { count: 0 } },
  { keep: { day: 1 } },
  { keep: 3 },
  { history: 'yes' },
  { dir: 'a' },
])('the input %j is refused', async (input) => {
  await expect(backUp(input)).rejects.toThrow(/must|known/)
})

async function daysIn(folder: string): Promise<string[]> {
  return (await readdir(folder)).map((name) => name.slice(17, 19)).toSorted()
}
