import {
  commandTask,
  createScheduler,
  defineTask,
  httpTask,
  silentLogger,
  systemClock,
  type Logger,
  type Scheduler,
  type SchedulerOptions,
} from '@evertick/core'
import { expect } from 'vitest'
import { z } from 'zod'
import { createApp } from '../http/app.js'
import type { App } from '../http/routes/types.js'
import { undocumented, type OpenApiDocument } from './documented.js'

interface CallOptions {
  readonly body?: unknown
  /** Instead of `body`, as it is. */
  readonly payload?: string
  readonly headers?: Readonly<Record<string, string>>
}

interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly text: string
  /** The parsed body; text where it is not JSON. */
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into answers by name
  readonly body: any
}

export interface TestServer extends AsyncDisposable {
  readonly app: App
  readonly scheduler: Scheduler
  /** Sends a request without a network, and holds the answer to what `/openapi.json` says of it. */
  readonly call: (method: string, url: string, options?: CallOptions) => Promise<Reply>
  /** Creates a schedule, which must be taken. */
  readonly create: (schedule: object) => Promise<void>
}

export interface TestServerOptions {
  readonly token?: string | null
  readonly log?: Logger
  readonly scheduler?: Omit<SchedulerOptions, 'store'>
}

/** A server over a scheduler in memory that does not fire until its scheduler is started. */
export async function testServer(options: TestServerOptions = {}): Promise<TestServer> {
  const scheduler = await createScheduler({
    store: 'memory:',
    tasks: TASKS,
    node: { name: 'node-a' },
    ...options.scheduler,
  })
  const app = await createApp({
    scheduler,
    config: { token: options.token ?? null },
    log: options.log ?? silentLogger,
    clock: options.scheduler?.clock ?? systemClock,
  })
  const document = app.swagger() as unknown as OpenApiDocument

  const call: TestServer['call'] = async (method, url, { body, payload, headers = {} } = {}) => {
    const response = await app.inject({
      method: method as 'GET',
      url,
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(payload === undefined && body === undefined ? {} : { payload: payload ?? JSON.stringify(body) }),
    })
    const contentType = String(response.headers['content-type'] ?? '')
    const parsed: unknown = /json(;|$)/.test(contentType) ? response.json() : response.body
    const path = url.split('?', 1)[0]!
    const misfits = undocumented(document, {
      method,
      path,
      status: response.statusCode,
      contentType,
      body: parsed,
    })
    expect(misfits).toEqual([])
    return { status: response.statusCode, headers: response.headers, text: response.body, body: parsed }
  }

  return {
    app,
    scheduler,
    call,
    async create(schedule) {
      const { status, text } = await call('POST', '/api/v1/schedules', { body: schedule })
      expect(status, text).toBe(201)
    },
    async [Symbol.asyncDispose]() {
      await app.close()
      await scheduler.stop({ graceMs: 0 })
    },
  }
}

export const EVERY_HOUR = { kind: 'interval', every: { hours: 1 } }

const ok = defineTask({
  name: 'ok',
  description: 'Answers with its input.',
  run: ({ input }) => ({ got: input }),
})
const failing = defineTask({
  name: 'failing',
  run: () => {
    throw Object.assign(new Error('no luck'), { code: 'NO_LUCK' })
  },
})
const talking = defineTask({
  name: 'talking',
  run: (context) => {
    context.log('first')
    context.log.warn('second')
    context.progress(0.5, 'half')
  },
})
const greet = defineTask({
  name: 'greet',
  input: z.object({ name: z.string() }),
  retry: {},
  concurrency: { cluster: 2 },
  run: () => null,
})

const TASKS = [ok, failing, talking, greet, httpTask(), commandTask()]
