import { afterEach, beforeEach, expect, test } from 'vitest'
import { cli } from '../../testing/test-cli.js'
import { EVERY_HOUR, testServer, type TestServer } from '../../testing/test-server.js'

let server: TestServer
beforeEach(async () => {
  server = await testServer()
})
afterEach(() => server[Symbol.asyncDispose]())

const HOUR_MS = 3_600_000
const ADAPTIVE = { above: 0.5, factor: 2, maxIntervalMs: 10 * HOUR_MS }

/** As if load had led to the next fire time, which is due, and to the one after that. */
async function stretch(id: string): Promise<string> {
  const { store } = server.scheduler
  const [schedule] = await store.getSchedules([id])
  const { definition, revision } = schedule!
  const fireTime = (await store.now()) - 1
  const at = (time: number, stretchedMs: number) => ({ fireTime: time, dueAt: time, stretchedMs })
  const kept = { tzdata: '2026a', calendars: null, afterRunMs: null }
  await store.putSchedules([
    {
      definition,
      state: 'active',
      stateReason: null,
      expect: revision,
      timing: { ...at(fireTime, 2 * HOUR_MS), ...kept },
    },
  ])
  const result = await store.commit(
    [
      {
        scheduleId: id,
        revision: revision + 1,
        fireTime,
        runs: [at(fireTime, 2 * HOUR_MS)],
        missed: null,
        next: at(fireTime + 4 * HOUR_MS, 4 * HOUR_MS),
        tzdata: '2026a',
        calendarsRevision: null,
        task: 'ok',
        spec: null,
        overlap: 'allow',
        delivery: 'atLeastOnce',
        priority: 0,
        group: 'default',
      },
    ],
    null,
  )
  expect(result.committed).toEqual([true])
  return `${id}@${fireTime}`
}

test('an adaptive schedule is taken and shown as it was given, and says when it is stretched', async () => {
  await server.create({ id: 'probe', task: 'ok', trigger: EVERY_HOUR, adaptive: ADAPTIVE })
  const before = await server.call('GET', '/api/v1/schedules/probe')
  expect(before.body).toMatchObject({ adaptive: ADAPTIVE, stretchedMs: null })
  const runId = await stretch('probe')
  const after = await server.call('GET', '/api/v1/schedules/probe')
  expect(after.body).toMatchObject({ adaptive: ADAPTIVE, trigger: EVERY_HOUR, stretchedMs: 4 * HOUR_MS })
  const run = await server.call('GET', `/api/v1/runs/${runId}`)
  expect(run.body).toMatchObject({ stretchedMs: 2 * HOUR_MS })
})

test('adaptive is refused by its field where it makes no sense, and can be taken away', async () => {
  const cron = { kind: 'cron', expression: '0 * * * *' }
  const put = (schedule: object) =>
    server.call('PUT', '/api/v1/schedules/probe', { body: { id: 'probe', task: 'ok', ...schedule } })
  const wrong = await put({ trigger: cron, adaptive: ADAPTIVE })
  expect(wrong).toMatchObject({ status: 400, body: { errors: [{ path: 'adaptive' }] } })
  const short = await put({ trigger: EVERY_HOUR, adaptive: { maxIntervalMs: HOUR_MS } })
  expect(short).toMatchObject({ status: 400, body: { errors: [{ path: 'adaptive.maxIntervalMs' }] } })
  expect((await put({ trigger: EVERY_HOUR, adaptive: ADAPTIVE })).status).toBe(201)
  const patched = await server.call('PATCH', '/api/v1/schedules/probe', {
    body: { trigger: cron, adaptive: null },
  })
  expect(patched.status).toBe(200)
  expect(patched.body.adaptive).toBeUndefined()
})

test('the command line says what is stretched, and how busy each node is', async () => {
  await server.create({ id: 'probe', task: 'ok', trigger: EVERY_HOUR, adaptive: ADAPTIVE })
  const runId = await stretch('probe')
  await server.scheduler.start()
  const env = { EVERTICK_SERVER: await server.app.listen({ port: 0 }) }
  const out = async (...argv: string[]): Promise<string> => (await cli(argv, { env })).out
  expect(await out('schedule', 'show', 'probe')).toMatch(/^stretched +to every 4 h, because of load$/m)
  expect(await out('schedule', 'list')).toMatch(/^probe .* in \d h \(stretched\) /m)
  expect(await out('runs', 'show', runId)).toMatch(
    /^stretched +to 2 h after the one before, because of load$/m,
  )
  expect(await out('nodes')).toMatch(
    /^NODE +STATE +VERSION +RUNNING +HOLDS +LOAD +CPU .*\nnode-a +alive +[\d.]+ +\d+\/100 +\d+ +\d+ %/,
  )
})
