import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import { VERSION } from '../version.js'
import type { App } from './routes/types.js'
import { SCHEMAS } from './schemas/index.js'
import { ref } from './schemas/shared.js'

const TAGS = [
  { name: 'Schedules', description: 'What runs when.' },
  { name: 'Calendars', description: 'Days that schedules share by name.' },
  { name: 'Runs', description: 'What ran, runs, and waits to run.' },
  { name: 'Triggers', description: 'Rules that give fire times.' },
  { name: 'Locks', description: 'What only one may do at a time.' },
  { name: 'Cluster', description: 'The nodes, and what they can do.' },
  { name: 'Operation', description: 'What watches over a server asks for.' },
]

/** Collects the routes that follow, and serves what they are: `/openapi.json` for programs, `/docs` for people. */
export async function serveOpenApi(
  app: App,
  { needsToken }: { readonly needsToken: boolean },
): Promise<void> {
  for (const schema of SCHEMAS) app.addSchema(schema)
  const optionalBodies = new Set<unknown>()
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Evertick',
        version: VERSION,
        license: { name: 'MIT', identifier: 'MIT' },
        description:
          'Scheduled tasks that do not go down. Times are ISO 8601 in UTC with milliseconds. ' +
          'Lists answer `items` and a `nextCursor`. Errors are `application/problem+json` with a stable `code`.',
      },
      tags: TAGS,
      ...(needsToken ? { security: [{ token: [] }] } : {}),
      components: needsToken ? { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } } : {},
    },
    refResolver: { buildLocalReference: ({ $id }) => $id as string },
    transform: ({ schema, url, route }) => {
      const { documentedBody, optionalBody } = route.config ?? {}
      if (optionalBody === true) optionalBodies.add(schema.operationId)
      return { schema: documentedBody === undefined ? schema : { ...schema, body: ref(documentedBody) }, url }
    },
    // The plugin takes every body for required.
    transformObject: (document) => {
      if (!('openapiObject' in document)) return document.swaggerObject
      const { openapiObject } = document
      for (const { post } of Object.values(openapiObject.paths ?? {}).map((path) => path ?? {})) {
        const body = post?.requestBody
        if (body !== undefined && 'required' in body && optionalBodies.has(post?.operationId))
          body.required = false
      }
      return openapiObject
    },
  })
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    theme: {
      title: 'Evertick API',
      // The bar would offer to read any other document, under a logo that is not ours.
      css: [{ filename: 'evertick.css', content: '.swagger-ui .topbar { display: none }' }],
    },
  })
  app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger())
}
