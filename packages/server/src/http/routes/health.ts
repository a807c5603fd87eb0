import { VERSION } from '../../version.js'
import { renderMetrics } from '../metrics.js'
import { AliveSchema, ReadySchema } from '../schemas/cluster.js'
import { refusals } from '../schemas/problem.js'
import { ref } from '../schemas/shared.js'
import type { Routes } from './types.js'
import { Type } from 'typebox'

const tags = ['Operation']

/** What watches over a server asks for. */
export const healthRoutes: Routes = (app, scheduler) => {
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
        description: 'From what its loops did, not from what they intend.',
        tags,
        security: [],
        response: {
          200: { ...ref(ReadySchema), description: 'It does.' },
          503: { ...ref(ReadySchema), description: 'It does not; `problems` says why.' },
        },
      },
    },
    async (_request, reply) => {
      const { ready, problems, lastPeekAgeMs, overdueMs } = await scheduler.health()
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
      reply
        .type('text/plain; version=0.0.4; charset=utf-8')
        .send(renderMetrics(await scheduler.store.stats())),
  )
}
