import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { undocumented, type OpenApiDocument } from '../testing/documented.js'
import { testServer, type TestServer } from '../testing/test-server.js'

interface Operation {
  readonly operationId?: string
  readonly summary?: string
  readonly tags?: readonly string[]
  readonly responses: Readonly<Record<string, { description?: string; content?: Record<string, object> }>>
  readonly requestBody?: { required?: boolean; content: Record<string, { schema: { $ref?: string } }> }
  readonly parameters?: readonly { name: string; in: string }[]
}

let server: TestServer
let document: OpenApiDocument & { readonly openapi: string; readonly tags: readonly { name: string }[] }
let operations: [string, Operation][]

beforeAll(async () => {
  server = await testServer()
  document = (await server.call('GET', '/openapi.json')).body
  operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, Operation] => [
      `${method.toUpperCase()} ${path}`,
      operation as unknown as Operation,
    ]),
  )
})
afterAll(() => server[Symbol.asyncDispose]())

test('every address of the API is in the document', () => {
  expect(document.openapi).toBe('3.1.0')
  expect(operations.map(([name]) => name).toSorted()).toEqual([
    'DELETE /api/v1/calendars/{name}',
    'DELETE /api/v1/schedules/{id}',
    'GET /api/v1/calendars',
    'GET /api/v1/calendars/{name}',
    'GET /api/v1/export',
    'GET /api/v1/locks',
    'GET /api/v1/nodes',
    'GET /api/v1/runs',
    'GET /api/v1/runs/{id}',
    'GET /api/v1/runs/{id}/log',
    'GET /api/v1/schedules',
    'GET /api/v1/schedules/{id}',
    'GET /api/v1/schedules/{id}/runs',
    'GET /api/v1/schedules/{id}/upcoming',
    'GET /api/v1/stats',
    'GET /api/v1/tasks',
    'GET /healthz',
    'GET /metrics',
    'GET /readyz',
    'PATCH /api/v1/schedules/{id}',
    'POST /api/v1/locks/{name}/acquire',
    'POST /api/v1/locks/{name}/release',
    'POST /api/v1/locks/{name}/renew',
    'POST /api/v1/runs/{id}/cancel',
    'POST /api/v1/runs/{id}/retry',
    'POST /api/v1/schedules',
    'POST /api/v1/schedules/{id}/pause',
    'POST /api/v1/schedules/{id}/resume',
    'POST /api/v1/schedules/{id}/run',
    'POST /api/v1/triggers/preview',
    'PUT /api/v1/calendars/{name}',
    'PUT /api/v1/schedules/{id}',
  ])
})

test('every operation has a name, a summary, a tag that is explained, and described answers', () => {
  const tags = new Set(document.tags.map(({ name }) => name))
  for (const [name, { operationId, summary, tags: own = [], responses }] of operations) {
    expect(operationId, name).toMatch(/^[a-z][A-Za-z]+$/)
    expect(summary, name).toMatch(/^[A-Z].{5,}/)
    expect(own.length, name).toBe(1)
    expect(tags.has(own[0]!), name).toBe(true)
    const good = Object.entries(responses).filter(([status]) => status.startsWith('2'))
    expect(good.length, name).toBeGreaterThan(0)
    for (const [status, { content }] of good)
      expect(content === undefined, `${name} ${status}`).toBe(status === '204')
  }
  expect(new Set(operations.map(([, { operationId }]) => operationId)).size).toBe(operations.length)
})

test('every parameter of an address is declared', () => {
  for (const [name, { parameters = [] }] of operations) {
    const inPath = [...name.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => parameter)
    expect(
      parameters.filter((one) => one.in === 'path').map((one) => one.name),
      name,
    ).toEqual(inPath)
  }
})

test('every reference leads somewhere, and every named schema is used', () => {
  const refs = new Set([...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, ref]) => ref!))
  for (const ref of refs) {
    const name = /^#\/components\/schemas\/([A-Za-z]+)$/.exec(ref)?.[1]
    expect(name, ref).toBeDefined()
    expect(document.components.schemas, ref).toHaveProperty(name!)
  }
  const named = Object.keys(document.components.schemas).map((name) => `#/components/schemas/${name}`)
  expect([...refs].toSorted()).toEqual(named.toSorted())
})

describe('what the scheduler checks', () => {
  test.each([
    ['POST /api/v1/schedules', 'ScheduleInput'],
    ['PUT /api/v1/schedules/{id}', 'ScheduleInput'],
    ['PATCH /api/v1/schedules/{id}', 'SchedulePatch'],
    ['PUT /api/v1/calendars/{name}', 'CalendarInput'],
  ])('is documented all the same: %s takes a %s', (name, schema) => {
    const operation = operations.find(([one]) => one === name)![1]
    expect(operation.requestBody!.content['application/json']!.schema.$ref).toBe(
      `#/components/schemas/${schema}`,
    )
  })
})

test('a body that may be left out is not required', () => {
  const required = operations.flatMap(([name, { requestBody }]) =>
    requestBody === undefined ? [] : [`${name} ${requestBody.required}`],
  )
  expect(required.toSorted()).toEqual([
    'PATCH /api/v1/schedules/{id} true',
    'POST /api/v1/locks/{name}/acquire true',
    'POST /api/v1/locks/{name}/release true',
    'POST /api/v1/locks/{name}/renew true',
    'POST /api/v1/schedules true',
    'POST /api/v1/schedules/{id}/pause false',
    'POST /api/v1/schedules/{id}/run false',
    'POST /api/v1/triggers/preview true',
    'PUT /api/v1/calendars/{name} true',
    'PUT /api/v1/schedules/{id} true',
  ])
})

test('the examples of schedules and triggers are taken', async () => {
  const { ScheduleInput, Trigger } = document.components.schemas as Record<string, { examples: object[] }>
  for (const trigger of Trigger!.examples) {
    expect((await server.call('POST', '/api/v1/triggers/preview', { body: { trigger } })).status).toBe(200)
  }
  for (const body of ScheduleInput!.examples) {
    expect((await server.call('POST', '/api/v1/schedules?allowUnknownTask=true', { body })).status).toBe(201)
  }
})

test('the check that all tests make finds an answer that is not as documented', () => {
  const answer = { method: 'GET', path: '/healthz', contentType: 'application/json; charset=utf-8' }
  const body = { status: 'ok', version: '1', uptimeMs: 1 }
  expect(undocumented(document, { ...answer, status: 200, body })).toEqual([])
  expect(undocumented(document, { ...answer, status: 200, body: { ...body, extra: 1 } })).not.toEqual([])
  expect(undocumented(document, { ...answer, status: 200, body: { ...body, uptimeMs: '1' } })).not.toEqual([])
  expect(undocumented(document, { ...answer, status: 418, body })).not.toEqual([])
})

describe('the documentation page', () => {
  test('loads everything from this server', async () => {
    const { status, headers, text } = await server.call('GET', '/docs')
    expect(status).toBe(200)
    expect(headers['content-type']).toContain('text/html')
    const files = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, file]) => file!)
    expect(files.length).toBeGreaterThan(4)
    for (const file of files) {
      expect(file).toMatch(/^\/docs\/static\//)
      expect((await server.call('GET', file)).status, file).toBe(200)
    }
    // An inline script or style would be refused by the content policy.
    expect(text).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\son\w+=/)
  })

  test('shows the same document', async () => {
    expect((await server.call('GET', '/docs/json')).body).toEqual(document)
  })
})
