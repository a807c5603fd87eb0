import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openStore, type Store } from '@evertick/core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { answered, cli } from '../testing/test-cli.js'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'evertick-moving-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const urlOf = (name: string): string => `sqlite:${join(folder, name)}.db`

async function use<Result>(name: string, body: (store: Store) => Promise<Result>): Promise<Result> {
  const store = await openStore(urlOf(name))
  try {
    return await body(store)
  } finally {
    await store.close()
  }
}

/** A store with these schedules, the first of which has a run that waits. */
function filled(name: string, ...ids: string[]): Promise<void> {
  return use(name, async (store) => {
    await store.putSchedules(
      ids.map((id) => ({
        definition: { id, task: 'command', trigger: { kind: 'interval', every: { hours: 1 } } },
        state: 'active',
        stateReason: null,
        expect: 'absent',
        timing: { fireTime: 9e12, dueAt: 9e12, tzdata: '2026a', calendars: null, afterRunMs: null },
      })),
    )
    const terms = { kind: 'manual', fireTime: null, spec: null, delivery: 'atLeastOnce' } as const
    await store.addRuns([
      { ...terms, scheduleId: ids[0]!, requestId: 'one', task: 'command', priority: 0, group: 'default' },
    ])
  })
}

const idsIn = (name: string): Promise<string[]> =>
  use(name, async (store) => (await store.listSchedules({ limit: 99 })).items.map(({ id }) => id))

test('what was exported is imported, through a pipe as well as from a file', async () => {
  await filled('from', 'a', 'b')
  const { out, code, err } = await cli(['export', '--store', urlOf('from')])
  expect({ code, err }).toEqual({ code: 0, err: '' })
  const file = join(folder, 'backup.jsonl')
  await writeFile(file, out)
  const piped = await cli(['import', '--store', urlOf('piped')], { stdin: out })
  expect(piped).toMatchObject({ code: 0, err: '' })
  expect(piped.out).toMatch(/^Imported into .*piped\.db: 2 schedules; verified, digest [0-9a-f]{32}\n$/)
  expect(await idsIn('piped')).toEqual(['a', 'b'])
  const read = answered(await cli(['import', file, '--store', urlOf('file'), '--json']))
  expect(read).toMatchObject({ counts: { schedule: 2, run: 0, calendar: 0, tombstone: 0 } })
  const again = await cli(['export'], { env: { EVERTICK_STORE: urlOf('file') } })
  expect(again.out.split('\n').slice(1)).toEqual(out.split('\n').slice(1))
})

test('import crontab is still there', async () => {
  const file = join(folder, 'crontab')
  await writeFile(file, '0 3 * * * tidy\n')
  const { out } = await cli(['import', 'crontab', file, '--dry-run', '--json'])
  expect(JSON.parse(out)).toMatchObject({ imported: [{ line: 1 }] })
})

test('a copy tells what it moved, and brings what has changed when it is made again', async () => {
  await filled('from', 'a', 'b')
  const argv = ['copy', '--from', urlOf('from'), '--to', urlOf('to')]
  const { out, err, code } = await cli(argv)
  expect({ err, code }).toEqual({ err: '', code: 0 })
  expect(out).toMatch(/^Copied from .*from\.db to .*to\.db: 2 schedules; verified, digest [0-9a-f]{32}\n$/)
  await use('from', (store) => store.deleteSchedule('a'))
  expect(answered(await cli([...argv, '--json']))).toMatchObject({ counts: { schedule: 1, tombstone: 1 } })
  expect(await idsIn('to')).toEqual(['b'])
})

test('on a terminal a bar is drawn over itself and taken away, without colours where they are not wanted', async () => {
  await filled('from', ...Array.from({ length: 600 }, (_, i) => `s${i}`))
  let now = 0
  const clock = { now: () => 1.8e12, monotonic: () => (now += 200), setTimer: () => () => {} }
  const argv = ['copy', '--from', urlOf('from'), '--to', urlOf('to')]
  const { err } = await cli(argv, { isTTY: true, columns: 100, clock, env: { NO_COLOR: '1' } })
  expect(err).toMatch(/\r█+░+ +\d+ % written 250 schedules/)
  expect(err).toMatch(/\r█{24} 100 % verified 600 schedules/)
  expect(err.endsWith('\r')).toBe(true)
  // oxlint-disable-next-line no-control-regex -- the escape that begins a colour
  expect(err).not.toMatch(/\u001B/)
})

test('a target that holds other things is refused unless it is said so', async () => {
  await filled('from', 'a')
  await filled('to', 'mine')
  const argv = ['copy', '--from', urlOf('from'), '--to', urlOf('to')]
  const refused = await cli(argv)
  expect(refused.code).toBe(4)
  expect(refused.err).toMatch(/^error STORE_NOT_EMPTY: .*schedule mine, which comes from elsewhere/)
  expect(await idsIn('to')).toEqual(['mine'])
  expect((await cli([...argv, '--into-existing'])).code).toBe(0)
  expect(await idsIn('to')).toEqual(['a', 'mine'])
})

test('a wrong line is told with what was written before it', async () => {
  await filled('from', 'a', 'b')
  const { out } = await cli(['export', '--store', urlOf('from')])
  const stdin = out.replace('"id":"b","state"', '"id":"b!","state"')
  const { code, err } = await cli(['import', '--store', urlOf('to')], { stdin })
  expect(code).toBe(2)
  expect(err).toMatch(
    /^written so far: 1 schedule; the same file with --into-existing goes on\nerror INVALID_EXPORT:/,
  )
  expect(err).toMatch(/line 3: id: must be 1 to 128 characters.* but is "b!"/)
  expect(await idsIn('to')).toEqual(['a'])
  const json = await cli(['import', '--store', urlOf('other'), '--json'], { stdin })
  expect(JSON.parse(json.err)).toMatchObject({ code: 'INVALID_EXPORT' })
})

test('what is not there is not taken for an empty store', async () => {
  for (const argv of [
    ['export', '--store', urlOf('nowhere')],
    ['copy', '--from', urlOf('nowhere'), '--to', urlOf('to')],
  ]) {
    expect(await cli(argv)).toMatchObject({
      code: 5,
      err: expect.stringContaining('There is no store') as string,
    })
  }
  expect(await cli(['import', join(folder, 'nowhere.jsonl'), '--store', urlOf('to')])).toMatchObject({
    code: 2,
    err: expect.stringContaining('There is no file') as string,
  })
  await expect(readFile(join(folder, 'nowhere.db'))).rejects.toThrow('ENOENT')
})

test('a store is not copied onto itself', async () => {
  await filled('from', 'a')
  const { code, err } = await cli(['copy', '--from', urlOf('from'), '--to', urlOf('from')])
  expect({ code, err }).toMatchObject({ code: 2, err: expect.stringContaining('the same store') as string })
})
