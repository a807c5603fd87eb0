import { VERSION } from '../../version.js'
import { renderMetrics } from '../metrics.js'
import { AliveSchema, ReadySchema } from '../schemas/cluster.js'
import { refusals } from '../schemas/problem.js'
import { ref } from '../schemas/shared.js'
import { sharedAnswer } from '../shared-answer.js'
import type { App } from './types.js'
import type { Clock, Scheduler } from '@evertick/core'
import { Type } from 'typebox'

const tags = ['Operation']
// The figures are counted anew each time, and without any token one may ask whether we are ready.
const MAX_AGE_MS = 1000

/** What watches over a server asks for. */
export function healthRoutes(app: App, scheduler: Scheduler, clock: Clock): void {
  const health = sharedAnswer(() => scheduler.health(), MAX_AGE_MS, clock)
  const stats = sharedAnswer(() => scheduler.store.stats(), MAX_AGE_MS, clock)

  app.get(
    '/healthz',
    {
      schema: {
        operationId: 'alive',
        summary: 'Whether the process lives',
        tags,
        security: [],
        response: { 200: ref(AliveSchema) },
      },
    },
    () => ({ status: 'ok' as const, version: VERSION, uptimeMs: Math.round(process.uptime() * 1000) }),
  )

  app.get(
    '/readyz',
    {
      schema: {
        operationId: 'ready',
        summary: 'Whether the node makes progress',
        description: 'From what its loops did, not from what they intend. At most one second old.',
        tags,
        security: [],
        response: {
          200: { ...ref(ReadySchema), description: 'It does.' },
          503: { ...ref(ReadySchema), description: 'It does not; `problems` says why.' },
        },
      },
    },
    async (_request, reply) => {
      const { ready, problems, lastPeekAgeMs, overdueMs } = await health()
      return reply.code(ready ? 200 : 503).send({
        status: ready ? ('ready' as const) : ('unready' as const),
        problems: [...problems],
        lastPeekAgeMs,
        overdueMs,
      })
    },
  )

  app.get(
    '/metrics',
    {
      schema: {
        operationId: 'metrics',
        summary: 'Figures for Prometheus',
        description: 'At most one second old.',
        tags,
        produces: ['text/plain'],
        response: {
          200: {
            description: 'The text format 0.0.4.',
            content: { 'text/plain': { schema: Type.String() } },
          },
          ...refusals,
        },
      },
    },
    async (_request, reply) =>
      reply.type('text/plain; version=0.0.4; charset=utf-8').send(renderMetrics(await stats())),
  )
}
