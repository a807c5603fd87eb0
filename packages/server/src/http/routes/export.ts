import { Readable } from 'node:stream'
import { exportLines } from '@evertick/core'
import { Type } from 'typebox'
import { refusals } from '../schemas/problem.js'
import type { Routes } from './types.js'

const JSON_LINES = 'application/jsonl'

/** Everything that the store holds, for whoever keeps backups elsewhere. */
export const exportRoutes: Routes = (app, { store }) => {
  app.get(
    '/export',
    {
      schema: {
        operationId: 'exportStore',
        summary: 'Export everything that the store holds',
        description:
          'Lines of JSON, as `evertick import` reads them. The last one begins with `{"evertick":"end"`: without it, the ' +
          'answer was cut off.',
        tags: ['Cluster'],
        querystring: Type.Object(
          {
            history: Type.Optional(
              Type.Boolean({ description: 'Runs that have ended too, with their logs.' }),
            ),
          },
          { additionalProperties: false },
        ),
        response: {
          200: {
            description: 'The export.',
            content: { [JSON_LINES]: { schema: Type.Unsafe<Readable>({ type: 'string' }) } },
          },
          ...refusals,
        },
      },
    },
    async (request, reply) => {
      const { history = false } = request.query
      const gone = new AbortController()
      request.raw.once('close', () => gone.abort())
      const lines = exportLines(store, { history, signal: gone.signal })
      // Whatever keeps it from beginning is told as an error, not as an answer that is cut off: the second line is from the store.
      const head = [await lines.next(), await lines.next()]
      const all = async function* (): AsyncGenerator<string, void> {
        for (const line of head) if (line.done !== true) yield line.value
        yield* lines
      }
      return reply.type(JSON_LINES).send(Readable.from(all(), { objectMode: false }))
    },
  )
}
