import helmet from '@fastify/helmet'
import rateLimit from '@fastify/rate-limit'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify from 'fastify'
import { systemClock, type Clock, type Logger, type Scheduler } from '@evertick/core'
import type { ServeConfig } from '../config.js'
import { sendError } from './errors.js'
import { browserGuard, tokenGuard, type Guard } from './guard.js'
import { acceptJson } from './json-body.js'
import { serveLandingPage } from './landing.js'
import { refuseUnknownAddresses } from './not-found.js'
import { serveOpenApi } from './openapi.js'
import { readQuery } from './query.js'
import { calendarRoutes } from './routes/calendars.js'
import { clusterRoutes } from './routes/cluster.js'
import { exportRoutes } from './routes/export.js'
import { healthRoutes } from './routes/health.js'
import { lockRoutes } from './routes/locks.js'
import { runRoutes } from './routes/runs.js'
import { scheduleActionRoutes } from './routes/schedule-actions.js'
import { scheduleRoutes } from './routes/schedules.js'
import { triggerRoutes } from './routes/triggers.js'
import type { App } from './routes/types.js'
import { AJV_OPTIONS } from './validation.js'

export interface AppOptions {
  /** Stays the caller's: closing the app does not stop it. */
  readonly scheduler: Scheduler
  readonly config: Pick<ServeConfig, 'token'>
  /** Gets failures of the server, and each request at the level `debug`. Never headers, so never a token. */
  readonly log: Logger
  /** @default systemClock */
  readonly clock?: Clock
}

/** Bytes of a request's body: four times the largest input. */
export const BODY_LIMIT = 256 * 1024

// An id of a schedule has up to 128 characters, that of a run up to 211.
const LONGEST_PARAMETER = 256
// A client that sends its request more slowly than this holds a connection for nothing.
const REQUEST_TIMEOUT_MS = 30_000
const FAILURE_LIMIT = { max: 20, timeWindow: 60_000 }

// Nothing from elsewhere, nothing inline. The pages' own images are data URLs.
const CONTENT_POLICY = {
  defaultSrc: ["'none'"],
  scriptSrc: ["'self'"],
  styleSrc: ["'self'"],
  imgSrc: ["'self'", 'data:'],
  connectSrc: ["'self'"],
  baseUri: ["'none'"],
  formAction: ["'none'"],
  frameAncestors: ["'none'"],
}

const ROUTES = [
  scheduleRoutes,
  scheduleActionRoutes,
  calendarRoutes,
  runRoutes,
  triggerRoutes,
  lockRoutes,
  clusterRoutes,
  exportRoutes,
]

/** The HTTP API, its documentation and the landing page over a scheduler. It listens when told to. */
export async function createApp({ scheduler, config, log, clock = systemClock }: AppOptions): Promise<App> {
  const app: App = Fastify({
    ajv: { customOptions: AJV_OPTIONS },
    bodyLimit: BODY_LIMIT,
    requestTimeout: REQUEST_TIMEOUT_MS,
    routerOptions: { maxParamLength: LONGEST_PARAMETER },
    frameworkErrors: (error, request, reply) => sendError(error, request, reply, log),
  }).withTypeProvider<TypeBoxTypeProvider>()

  // Answers are made by `present.ts`, whose types follow the schemas: a serialiser would only drop what it missed.
  app.setSerializerCompiler(() => (data) => JSON.stringify(data))
  app.setErrorHandler((error, request, reply) => sendError(error, request, reply, log))
  acceptJson(app)
  refuseUnknownAddresses(app)

  await app.register(helmet, {
    contentSecurityPolicy: { useDefaults: false, directives: CONTENT_POLICY },
    // This server speaks plain HTTP; whoever puts TLS in front of it decides on this there.
    strictTransportSecurity: false,
  })
  const guard = config.token === null ? browserGuard() : await guardByToken(app, config.token)
  app.addHook('onRequest', async (request, reply) => {
    reply.header('cache-control', 'no-store')
    await guard(request)
  })
  app.addHook('preValidation', (request, _reply, done) => {
    const { schema, config: route } = request.routeOptions
    if (route.optionalBody === true) request.body ??= {}
    const parameters = (schema?.querystring as { properties?: Record<string, object> } | undefined)
      ?.properties
    if (parameters !== undefined) request.query = readQuery(request.query as object as Query, parameters)
    done()
  })
  app.addHook('onResponse', (request, reply, done) => {
    const path = request.url.split('?', 1)[0]
    const ms = Math.round(reply.elapsedTime)
    log.debug({ method: request.method, path, status: reply.statusCode, ms }, 'Answered a request')
    done()
  })

  await serveOpenApi(app, { needsToken: config.token !== null })
  await app.register(
    (api, _options, done) => {
      for (const routes of ROUTES) routes(api, scheduler)
      done()
    },
    { prefix: '/api/v1' },
  )
  healthRoutes(app, scheduler, clock)
  await serveLandingPage(app)
  await app.ready()
  return app
}

type Query = Readonly<Record<string, unknown>>

async function guardByToken(app: App, token: string): Promise<Guard> {
  await app.register(rateLimit, { global: false })
  const count = app.createRateLimit(FAILURE_LIMIT)
  return tokenGuard(token, async (request) => {
    const result = await count(request)
    return !result.isAllowed && result.isExceeded
  })
}
