import { EvertickError, EXPLAIN_LOCALES, InvalidError } from '@evertick/core'
import { Type } from 'typebox'
import { calendarsOf } from '../../preview/calendars.js'
import { preview } from '../../preview/preview.js'
import { instantOf } from '../instant.js'
import { refusals } from '../schemas/problem.js'
import { choice, ref } from '../schemas/shared.js'
import { PreviewInputSchema, PreviewSchema, type PreviewJson } from '../schemas/trigger.js'
import type { Routes } from './types.js'

const PREVIEW_COUNT = 10

export const triggerRoutes: Routes = (app, { store, calendars }) => {
  app.post(
    '/triggers/preview',
    {
      schema: {
        operationId: 'previewTrigger',
        summary: 'Show when a trigger would fire',
        description: 'In words and in times, with what changes of the clocks do to it. Nothing is stored.',
        tags: ['Triggers'],
        querystring: Type.Object(
          {
            locale: Type.Optional(
              choice(EXPLAIN_LOCALES, { description: 'The language of the words; `en` unless given.' }),
            ),
          },
          { additionalProperties: false },
        ),
        body: ref(PreviewInputSchema),
        response: { 200: ref(PreviewSchema), ...refusals },
      },
    },
    async (request) => {
      const { trigger, from, count = PREVIEW_COUNT } = request.body
      const after = from === undefined ? await store.now() : instantOf(from, 'BAD_REQUEST', 'from')
      const calendar = await calendarsOf(trigger, calendars)
      const { locale = 'en' } = request.query
      return inBody(() => preview(trigger, { after, count, locale, calendar }))
    },
  )
}

/** As the request has it, the trigger is one field of the body: so are the paths of its problems. */
function inBody(make: () => PreviewJson): PreviewJson {
  try {
    return make()
  } catch (error) {
    if (!(error instanceof EvertickError)) throw error
    const problems = error.problems.map((problem) => ({
      ...problem,
      path: problem.path === '' ? 'trigger' : `trigger.${problem.path}`,
    }))
    throw new InvalidError(error.code, problems, { cause: error })
  }
}
