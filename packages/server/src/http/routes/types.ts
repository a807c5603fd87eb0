import type { Scheduler } from '@evertick/core'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TSchema } from 'typebox'

/** A server whose handlers get their types from the schemas of their routes. */
export type App = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

/** Adds the routes of one noun. */
export type Routes = (app: App, scheduler: Scheduler) => void

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * What OpenAPI tells of the body, where the scheduler checks it and not the server: so its rules stand in one
     * place, everything wrong is told at once, and the library and the API answer alike.
     */
    documentedBody?: TSchema
    /** A body may be left out, and is then `{}`. */
    optionalBody?: boolean
  }
}
