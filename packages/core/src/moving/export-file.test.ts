import { describe, expect, test } from 'vitest'
import type { StoreExport } from '../store/exports.js'
import { MemoryStore } from '../stores/memory/index.js'
import { ManualClock } from '../testing/index.js'
import { exportLines, readExport } from './export-file.js'
import { importInto } from './import-into.js'

const clock = new ManualClock(Date.UTC(2026, 0, 1))

/** Two schedules, one of which has a run that waits and one that has ended; a calendar; a tombstone. */
async function lines(): Promise<string[]> {
  const store = new MemoryStore({ clock })
  const timing = { fireTime: 1000, dueAt: 1000, tzdata: '2026a', calendars: null, afterRunMs: null }
  await store.putCalendar({ definition: { name: 'holidays', dates: ['2026-12-25'] }, expect: 'absent' })
  await store.putSchedules(
    ['a', 'b', 'gone'].map((id) => ({
      definition: { id, task: 'task', trigger: { kind: 'cron', expression: '* * * * *' } },
      state: 'active',
      stateReason: null,
      expect: 'absent',
      timing,
    })),
  )
  const request = { scheduleId: 'a', kind: 'manual', fireTime: null, task: 'task', spec: null } as const
  const terms = { delivery: 'atLeastOnce', priority: 0, group: 'default' } as const
  const [run] = await store.addRuns([{ ...request, ...terms, requestId: 'one' }])
  await store.cancelRun(run!.id)
  await store.addRuns([{ ...request, ...terms, requestId: 'two' }])
  await store.deleteSchedule('gone')
  const written: string[] = []
  for await (const line of exportLines(store, { history: true, clock })) written.push(line)
  return written
}

async function read(text: string): Promise<StoreExport[]> {
  const { items } = await readExport(pieces(text))
  const found: StoreExport[] = []
  for await (const item of items) found.push(item)
  return found
}

async function* pieces(text: string, size = 100): AsyncGenerator<Uint8Array, void> {
  const bytes = new TextEncoder().encode(text)
  for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size)
}

test('what was exported is read again, however it is cut into pieces', async () => {
  const all = await lines()
  expect(all.every((line) => line.endsWith('\n') && line.indexOf('\n') === line.length - 1)).toBe(true)
  expect(JSON.parse(all[0]!)).toMatchObject({
    evertick: 'export',
    version: 1,
    exportedAt: '2026-01-01T00:00:00.000Z',
    history: true,
  })
  const items = await read(all.join(''))
  expect(items.map(({ kind }) => kind)).toEqual(['calendar', 'run', 'schedule', 'schedule', 'tombstone'])
  const store = new MemoryStore({ clock })
  const { items: again } = await readExport(pieces(all.join(''), 7))
  await importInto(store, again, { history: true })
  const written: string[] = []
  for await (const line of exportLines(store, { history: true, clock })) written.push(line)
  expect(written).toEqual(all)
})

test('an export of a newer format is refused', async () => {
  const header = JSON.stringify({ evertick: 'export', version: 2 })
  await expect(read(`${header}\n`)).rejects.toMatchObject({ code: 'EXPORT_VERSION' })
})

test('what is no export is refused at its first line', async () => {
  for (const text of ['', 'hello', '{"a":1}', '[]', '0 * * * * tidy\n']) {
    await expect(readExport(pieces(text))).rejects.toMatchObject({
      code: 'INVALID_EXPORT',
      problems: [{ path: 'line 1' }],
    })
  }
})

test('a file that was cut off is told, whatever the place', async () => {
  const text = (await lines()).join('')
  for (const length of [
    text.length - 200,
    text.lastIndexOf('{'),
    text.lastIndexOf('\n', text.length - 2) + 1,
  ]) {
    await expect(read(text.slice(0, length))).rejects.toMatchObject({ code: 'INVALID_EXPORT' })
  }
})

test('a line that is missing or changed does not fit the last one', async () => {
  const all = await lines()
  const without = all.toSpliced(2, 1).join('')
  await expect(read(without)).rejects.toMatchObject({ problems: [{ path: 'line 6: counts.run' }] })
  const changed = all.join('').replace('"highWaterMark":null', '"highWaterMark":1')
  await expect(read(changed)).rejects.toMatchObject({ problems: [{ path: 'line 7: digest' }] })
  const byHand = [...all.slice(0, -1), '{"evertick":"end"}\n'].join('')
  expect(await read(byHand.replace('"highWaterMark":null', '"highWaterMark":1'))).toHaveLength(5)
})

describe('a bad line', () => {
  test.each([
    ['not JSON', '{"kind":', 'line 2', /line 2: must be JSON, but is "\{\\"kind\\":/],
    ['no object', '[1]', 'line 2', /must be an object, but is \[1\]/],
    ['an unknown kind', '{"kind":"schedul"}', 'line 2: kind', /did you mean "schedule"/],
    ['an unknown field', schedule({ nextFireTme: 5 }), 'line 2: nextFireTme', /did you mean nextFireTime/],
    ['a bad id', schedule({ id: '../x' }), 'line 2: id', /but is "\.\.\/x"/],
    ['a bad policy', schedule({}, { overlap: 'skp' }), 'line 2: definition.overlap', /must be one of skip/],
    ['another id inside', schedule({}, { id: 'b' }), 'line 2: definition.id', /must be "a", but is "b"/],
    ['a time that is text', schedule({ dueAt: '2026' }), 'line 2: dueAt', /must be a whole number/],
    ['half a fire time', schedule({ dueAt: null }), 'line 2: dueAt', /null where nextFireTime is/],
    ['a mark that is none', schedule({ highWaterMark: 1.5 }), 'line 2: highWaterMark', /but is 1\.5/],
    ['no revision', schedule({ revision: 0 }), 'line 2: revision', /from 1 to 2147483647, but is 0/],
    ['a separator in the data', schedule({ tzdata: '2026a|x' }), 'line 2: tzdata', /2026a\|x/],
    [
      'runs of another',
      schedule({ open: [run({ scheduleId: 'b', id: 'b@5' })] }),
      'line 2: open.0.scheduleId',
      /"b"/,
    ],
    [
      'a run that is held',
      schedule({ open: [run({ status: 'running' })] }),
      'line 2: open.0.status',
      /running/,
    ],
    ['a run with another name', schedule({ open: [run({ id: 'a@6' })] }), 'line 2: open.0.id', /a@6/],
  ])('%s: the error names line, field and value', async (_name, line, path, message) => {
    const header = '{"evertick":"export","version":1}\n'
    const error = await read(`${header}${line}\n{"evertick":"end"}\n`).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'INVALID_EXPORT', problems: { 0: { path } } })
    expect((error as Error).message).toMatch(message)
  })

  test('leaves what came before it written, and nothing of itself or after it', async () => {
    const header = '{"evertick":"export","version":1}\n'
    const text = `${header}${schedule({})}\n${schedule({ fires: -1 })}\n`
    const store = new MemoryStore({ clock })
    const { items } = await readExport(pieces(text))
    await expect(importInto(store, items)).rejects.toMatchObject({ problems: [{ path: 'line 3: fires' }] })
    expect((await store.listSchedules({ limit: 9 })).items.map(({ id, fires }) => [id, fires])).toEqual([
      ['a', 0],
    ])
  })

  test('of a trigger that this release does not know travels all the same', async () => {
    const header = '{"evertick":"export","version":1}\n'
    const line = schedule({}, { trigger: { kind: 'tides', harbour: 'Husum' } })
    expect(await read(`${header}${line}\n{"evertick":"end"}\n`)).toHaveLength(1)
  })
})

function schedule(changes: object, definition: object = {}): string {
  return JSON.stringify({
    kind: 'schedule',
    id: 'a',
    definition: { id: 'a', task: 'task', trigger: { kind: 'interval', every: 1000 }, ...definition },
    state: 'active',
    stateReason: null,
    revision: 1,
    nextFireTime: 5,
    dueAt: 5,
    tzdata: '2026a',
    stretchedMs: null,
    highWaterMark: null,
    fires: 0,
    consecutiveFailures: 0,
    createdAt: 1,
    updatedAt: 1,
    calendars: [],
    calendarsRevision: null,
    afterRunMs: null,
    open: [],
    ...changes,
  })
}

function run(changes: object): object {
  return {
    id: 'a@5',
    scheduleId: 'a',
    kind: 'scheduled',
    fireTime: 5,
    stretchedMs: null,
    requestId: '',
    task: 'task',
    status: 'pending',
    attempt: 0,
    node: null,
    fence: 0,
    priority: 0,
    group: 'default',
    delivery: 'atLeastOnce',
    dueAt: 5,
    createdAt: 5,
    startedAt: null,
    endedAt: null,
    cancelRequested: false,
    error: null,
    result: null,
    progress: null,
    missed: null,
    attempts: [],
    spec: null,
    blocked: false,
    ...changes,
  }
}
