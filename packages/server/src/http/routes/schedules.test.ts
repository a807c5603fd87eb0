import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { EVERY_HOUR, testServer, type TestServer } from '../../testing/test-server.js'

let server: TestServer
beforeEach(async () => {
  server = await testServer()
})
afterEach(() => server[Symbol.asyncDispose]())

const report = {
  id: 'report',
  task: 'ok',
  trigger: { kind: 'cron', expression: '0 9 * * *', timezone: 'Europe/Berlin' },
}

describe('POST /schedules', () => {
  test('creates a schedule and says where it is', async () => {
    const { status, headers, body } = await server.call('POST', '/api/v1/schedules', {
      body: { ...report, input: { format: 'pdf' }, overlap: 'bufferOne', start: '2030-01-01T00:00:00+01:00' },
    })

    expect(status).toBe(201)
    expect(headers['location']).toBe('/api/v1/schedules/report')
    expect(headers['etag']).toBe(`"${body.revision}"`)
    expect(body).toMatchObject({
      ...report,
      input: { format: 'pdf' },
      overlap: 'bufferOne',
      start: '2029-12-31T23:00:00.000Z',
      state: 'active',
      stateReason: null,
      nextFireTime: '2030-01-01T08:00:00.000Z',
      fires: 0,
      lastRun: null,
    })
    expect((await server.call('GET', '/api/v1/schedules/report')).body).toEqual(body)
  })

  test('shows every field of a definition as it was given', async () => {
    const full = {
      ...report,
      description: 'Every morning',
      maxFires: 10,
      retry: { maxAttempts: 3, jitter: 0.5 },
      timeoutMs: null,
      catchUp: 'all',
      misfireGraceMs: 1000,
      catchUpWindowMs: 2000,
      catchUpLimit: 3,
      overlap: 'allow',
      delivery: 'atMostOnce',
      priority: 5,
      group: 'big',
      jitterMs: 100,
      pauseAfterFailures: 4,
      history: { maxRuns: 7 },
    }
    const { status, body } = await server.call('POST', '/api/v1/schedules', { body: full })
    expect(status).toBe(201)
    expect(body).toMatchObject(full)
  })

  test('refuses an id that is taken, unless told what to do', async () => {
    await server.create(report)
    const changed = { ...report, description: 'changed' }

    const refused = await server.call('POST', '/api/v1/schedules', { body: changed })
    expect(refused.status).toBe(409)
    expect(refused.body.code).toBe('SCHEDULE_EXISTS')

    const kept = await server.call('POST', '/api/v1/schedules?ifExists=keep', { body: changed })
    expect(kept.status).toBe(200)
    expect(kept.body.description).toBeUndefined()

    const replaced = await server.call('POST', '/api/v1/schedules?ifExists=replace', { body: changed })
    expect(replaced.status).toBe(200)
    expect(replaced.body.description).toBe('changed')
    expect(replaced.body.revision).toBeGreaterThan(kept.body.revision)
  })

  test('refuses a task that no node knows, unless it is to come', async () => {
    const body = { ...report, task: 'raport' }
    const refused = await server.call('POST', '/api/v1/schedules', { body })
    expect(refused.status).toBe(400)
    expect(refused.body.code).toBe('UNKNOWN_TASK')

    const taken = await server.call('POST', '/api/v1/schedules?allowUnknownTask=true', { body })
    expect(taken.status).toBe(201)
  })

  test.each([
    [
      'a bad cron expression',
      { trigger: { kind: 'cron', expression: '61 * * * *' } },
      'INVALID_TRIGGER',
      'trigger.expression',
    ],
    [
      'an unknown zone',
      { trigger: { kind: 'cron', expression: '0 9 * * *', timezone: 'Europe/Berlim' } },
      'INVALID_TRIGGER',
      'trigger.timezone',
    ],
    ['an unknown kind', { trigger: { kind: 'crom' } }, 'INVALID_TRIGGER', 'trigger.kind'],
    ['a wrong policy', { overlap: 'skipp' }, 'INVALID_SCHEDULE', 'overlap'],
    ['a number as text', { jitterMs: '5' }, 'INVALID_SCHEDULE', 'jitterMs'],
    ['an unknown field', { jiterMs: 5 }, 'INVALID_SCHEDULE', 'jiterMs'],
    ['a field that only answers have', { revision: 1 }, 'INVALID_SCHEDULE', 'revision'],
    ['a bad id', { id: 'a b' }, 'INVALID_SCHEDULE', 'id'],
    ['an input that its task refuses', { task: 'greet', input: { name: 5 } }, 'INVALID_INPUT', 'input.name'],
    ['a large input', { input: 'x'.repeat(70_000) }, 'PAYLOAD_TOO_LARGE', 'input'],
  ])('refuses %s and names the field', async (_what, changes, code, path) => {
    const { status, body } = await server.call('POST', '/api/v1/schedules', {
      body: { ...report, ...changes },
    })
    expect(status).toBe(code === 'PAYLOAD_TOO_LARGE' ? 413 : 400)
    expect(body.code).toBe(code)
    expect(body.errors).toContainEqual(expect.objectContaining({ path }))
    expect(body.detail).not.toBe('')
  })

  test('refuses a trigger that never fires', async () => {
    const trigger = { kind: 'cron', expression: '0 0 31 2 *' }
    const { status, body } = await server.call('POST', '/api/v1/schedules', { body: { ...report, trigger } })
    expect(status).toBe(400)
    expect(body.code).toMatch(/^(NEVER_FIRES|INVALID_TRIGGER)$/)
  })

  test('tells everything that is wrong at once, and suggests what was meant', async () => {
    const { body } = await server.call('POST', '/api/v1/schedules', {
      body: { ...report, jiterMs: 5, overlap: 'skipp', retry: { maxAttempt: 3 } },
    })
    const messages = Object.fromEntries(
      (body.errors as { path: string; message: string }[]).map(({ path, message }) => [path, message]),
    )
    expect(messages['jiterMs']).toContain('jitterMs')
    expect(messages['overlap']).toContain('"skip"')
    expect(messages['retry.maxAttempt']).toContain('maxAttempts')
  })
})

describe('PUT /schedules/:id', () => {
  test('creates with 201 and replaces with 200', async () => {
    const { id: _, ...withoutId } = report
    const created = await server.call('PUT', '/api/v1/schedules/report', { body: withoutId })
    expect(created.status).toBe(201)
    const replaced = await server.call('PUT', '/api/v1/schedules/report', {
      body: { ...report, priority: 1 },
    })
    expect(replaced.status).toBe(200)
    expect(replaced.body).toMatchObject({ priority: 1, nextFireTime: created.body.nextFireTime })
  })

  test('put again unchanged, nothing is written', async () => {
    const first = await server.call('PUT', '/api/v1/schedules/report', { body: report })
    const second = await server.call('PUT', '/api/v1/schedules/report', { body: report })
    expect(second.body).toEqual(first.body)
  })

  test('refuses another id than that of the address', async () => {
    const { status, body } = await server.call('PUT', '/api/v1/schedules/other', { body: report })
    expect(status).toBe(400)
    expect(body).toMatchObject({ code: 'INVALID_SCHEDULE', errors: [{ path: 'id', rule: 'id.address' }] })
  })

  test('changes only the revision that the caller saw', async () => {
    const { headers } = await server.call('PUT', '/api/v1/schedules/report', { body: report })
    const etag = String(headers['etag'])
    const put = (priority: number, extra: { query?: string; headers?: Record<string, string> }) =>
      server.call('PUT', `/api/v1/schedules/report${extra.query ?? ''}`, {
        body: { ...report, priority },
        ...(extra.headers === undefined ? {} : { headers: extra.headers }),
      })

    expect((await put(1, { headers: { 'if-match': etag } })).status).toBe(200)
    const stale = await put(2, { headers: { 'if-match': etag } })
    expect(stale.status).toBe(412)
    expect(stale.body.code).toBe('REVISION_CONFLICT')
    expect((await put(2, { query: `?ifRevision=${etag.replaceAll('"', '')}` })).status).toBe(412)
    expect((await put(2, { headers: { 'if-match': 'W/"1"' } })).body).toMatchObject({
      code: 'BAD_REQUEST',
      errors: [{ path: 'If-Match' }],
    })
    expect((await put(2, { query: '?ifRevision=99', headers: { 'if-match': etag } })).body.code).toBe(
      'BAD_REQUEST',
    )
    expect((await server.call('GET', '/api/v1/schedules/report')).body.priority).toBe(1)
  })
})

describe('PUT /schedules/:id on a condition', () => {
  const put = (headers: Record<string, string>, query = '', priority = 1) =>
    server.call('PUT', `/api/v1/schedules/report${query}`, { body: { ...report, priority }, headers })
  const priority = async () => (await server.call('GET', '/api/v1/schedules/report')).body.priority as number

  test('If-None-Match: * creates, and never replaces', async () => {
    expect((await put({ 'if-none-match': '*' })).status).toBe(201)
    const taken = await put({ 'if-none-match': '*' }, '', 2)
    expect(taken.status).toBe(412)
    expect(taken.body).toMatchObject({
      code: 'REVISION_CONFLICT',
      detail: expect.stringContaining('already') as string,
    })
    expect(await priority()).toBe(1)
  })

  test.each([
    ['If-Match: *', { 'if-match': '*' }, ''],
    ['If-Match with a revision', { 'if-match': '"1"' }, ''],
    ['ifRevision', {}, '?ifRevision=1'],
  ])('%s creates nothing', async (_what, headers, query) => {
    const { status, body } = await put(headers, query)
    expect(status).toBe(412)
    expect(body).toMatchObject({ code: 'REVISION_CONFLICT', detail: expect.stringContaining('no schedule') })
    expect((await server.call('GET', '/api/v1/schedules/report')).status).toBe(404)
  })

  test('If-Match: * replaces whatever is there, also when others edit it meanwhile', async () => {
    await server.create(report)
    const { schedules } = server.scheduler
    const get = schedules.get.bind(schedules)
    let edits = 0
    vi.spyOn(schedules, 'get').mockImplementation(async (id) => {
      const seen = await get(id)
      if (edits++ < 3) await schedules.patch(id, { description: `edit ${edits}` })
      return seen
    })
    const { status, body } = await put({ 'if-match': '*' }, '', 2)
    expect(status).toBe(200)
    expect(body.priority).toBe(2)
    expect(edits).toBeGreaterThan(3)
  })

  test('If-Match: * creates nothing when others delete it meanwhile', async () => {
    await server.create(report)
    const { schedules } = server.scheduler
    const get = schedules.get.bind(schedules)
    vi.spyOn(schedules, 'get').mockImplementation(async (id) => {
      const seen = await get(id)
      await schedules.delete(id)
      return seen
    })
    expect((await put({ 'if-match': '*' })).status).toBe(412)
    expect(await get('report')).toBeNull()
  })

  test('If-Match: * of a PATCH or a DELETE asks for what they need anyway', async () => {
    await server.create(report)
    const headers = { 'if-match': '*' }
    const address = '/api/v1/schedules/report'
    expect((await server.call('PATCH', address, { body: { priority: 3 }, headers })).status).toBe(200)
    expect((await server.call('DELETE', address, { headers })).status).toBe(204)
    expect((await server.call('DELETE', address, { headers })).status).toBe(404)
  })

  test.each([
    [{ 'if-none-match': '"1"' }, '', 'If-None-Match'],
    [{ 'if-none-match': '*', 'if-match': '*' }, '', 'If-None-Match'],
    [{ 'if-none-match': '*' }, '?ifRevision=1', 'If-None-Match'],
  ])('%j with the query %j is refused', async (headers, query, path) => {
    const { status, body } = await put(headers, query)
    expect(status).toBe(400)
    expect(body).toMatchObject({ code: 'BAD_REQUEST', errors: [{ path }] })
  })
})

describe('GET /schedules', () => {
  test('filters by state, task and prefix', async () => {
    await server.create(report)
    await server.create({ ...report, id: 'report-2', task: 'failing' })
    await server.create({ ...report, id: 'other' })
    await server.call('POST', '/api/v1/schedules/other/pause')
    const ids = async (query: string): Promise<string[]> => {
      const { body } = await server.call('GET', `/api/v1/schedules${query}`)
      return (body.items as { id: string }[]).map(({ id }) => id)
    }

    expect(await ids('')).toEqual(['other', 'report', 'report-2'])
    expect(await ids('?state=paused')).toEqual(['other'])
    expect(await ids('?task=failing')).toEqual(['report-2'])
    expect(await ids('?prefix=rep&state=active')).toEqual(['report', 'report-2'])
  })

  test('pages through everything once', async () => {
    for (const id of ['a', 'b', 'c', 'd', 'e']) await server.create({ ...report, id })
    const seen: string[] = []
    let cursor: string | null = ''
    for (let pages = 0; cursor !== null && pages < 5; pages++) {
      const after = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`
      const { body } = await server.call('GET', `/api/v1/schedules?limit=2${after}`)
      seen.push(...(body.items as { id: string }[]).map(({ id }) => id))
      cursor = body.nextCursor
    }
    expect(seen).toEqual(['a', 'b', 'c', 'd', 'e'])
  })

  test.each([
    ['limit=0', 'limit'],
    ['limit=1001', 'limit'],
    ['limit=ten', 'limit'],
    ['limit=1&limit=2', 'limit'],
    ['state=activ', 'state'],
    ['limt=5', 'limt'],
  ])('refuses ?%s by name', async (query, path) => {
    const { status, body } = await server.call('GET', `/api/v1/schedules?${query}`)
    expect(status).toBe(400)
    expect(body).toMatchObject({ code: 'INVALID_QUERY', errors: [{ path }] })
  })

  test('suggests the parameter and the value that were meant', async () => {
    expect((await server.call('GET', '/api/v1/schedules?limt=5')).body.detail).toContain('did you mean limit')
    expect((await server.call('GET', '/api/v1/schedules?state=activ')).body.detail).toContain('"active"')
  })

  test('refuses a cursor that is none of ours', async () => {
    const { status, body } = await server.call('GET', '/api/v1/schedules?cursor=%25%25')
    expect(status).toBe(400)
    expect(body.code).toBe('INVALID_QUERY')
  })
})

describe('PATCH /schedules/:id', () => {
  test('replaces the fields given, and null goes back to the default', async () => {
    await server.create({ ...report, priority: 5, overlap: 'allow' })
    const { status, headers, body } = await server.call('PATCH', '/api/v1/schedules/report', {
      body: { overlap: null, description: 'changed' },
    })
    expect(status).toBe(200)
    expect(body).toMatchObject({ priority: 5, description: 'changed' })
    expect(body.overlap).toBeUndefined()
    expect(headers['etag']).toBe(`"${body.revision}"`)
  })

  test('refuses a stale revision, an id, an unknown field and an unknown schedule', async () => {
    await server.create(report)
    const patch = (id: string, body: object, headers = {}) =>
      server.call('PATCH', `/api/v1/schedules/${id}`, { body, headers })

    expect((await patch('report', { priority: 1 }, { 'if-match': '"99"' })).status).toBe(412)
    expect((await patch('report', { id: 'other' })).body.errors).toMatchObject([{ path: 'id' }])
    expect((await patch('report', { prioriti: 1 })).body.errors).toMatchObject([{ path: 'prioriti' }])
    expect((await patch('none', { priority: 1 })).status).toBe(404)
  })
})

describe('DELETE /schedules/:id', () => {
  test('deletes once, and only the revision that the caller saw', async () => {
    await server.create(report)
    const stale = await server.call('DELETE', '/api/v1/schedules/report', { headers: { 'if-match': '"99"' } })
    expect(stale.status).toBe(412)

    const gone = await server.call('DELETE', '/api/v1/schedules/report')
    expect(gone.status).toBe(204)
    expect(gone.text).toBe('')

    const again = await server.call('DELETE', '/api/v1/schedules/report')
    expect(again.status).toBe(404)
    expect(again.body.code).toBe('SCHEDULE_NOT_FOUND')
    expect((await server.call('GET', '/api/v1/schedules/report')).status).toBe(404)
  })
})

test('an id with every character that ids may have works in addresses', async () => {
  const id = `Az9._:-${'x'.repeat(121)}`
  await server.create({ id, task: 'ok', trigger: EVERY_HOUR })
  const { status, body } = await server.call('GET', `/api/v1/schedules/${encodeURIComponent(id)}`)
  expect(status).toBe(200)
  expect(body.id).toBe(id)
  const run = await server.call('POST', `/api/v1/schedules/${id}/run`, {
    body: { requestId: 'r'.repeat(64) },
  })
  expect((await server.call('GET', String(run.headers['location']))).body.id).toBe(run.body.id)
})
