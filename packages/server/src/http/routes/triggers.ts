import {
  compileTrigger,
  EvertickError,
  fires,
  InvalidError,
  type Trigger,
  type TriggerJson,
} from '@evertick/core'
import { instantOf } from '../instant.js'
import { presentFires } from '../present.js'
import { refusals } from '../schemas/problem.js'
import { ref } from '../schemas/shared.js'
import { PreviewInputSchema, PreviewSchema } from '../schemas/trigger.js'
import type { Routes } from './types.js'

const PREVIEW_COUNT = 10

export const triggerRoutes: Routes = (app, scheduler) => {
  app.post(
    '/triggers/preview',
    {
      schema: {
        operationId: 'previewTrigger',
        summary: 'Show when a trigger would fire',
        description: 'Nothing is stored.',
        tags: ['Triggers'],
        body: ref(PreviewInputSchema),
        response: { 200: ref(PreviewSchema), ...refusals },
      },
    },
    async (request) => {
      const { trigger, from, count = PREVIEW_COUNT } = request.body
      const compiled = compile(trigger)
      const after = from === undefined ? await scheduler.store.now() : instantOf(from, 'BAD_REQUEST', 'from')
      return { fires: presentFires(fires(compiled, { after, count }), trigger) }
    },
  )
}

/** As the request has it, the trigger is one field of the body: so are the paths of its problems. */
function compile(json: TriggerJson): Trigger {
  try {
    return compileTrigger(json)
  } catch (error) {
    if (!(error instanceof EvertickError)) throw error
    const problems = error.problems.map((problem) => ({
      ...problem,
      path: problem.path === '' ? 'trigger' : `trigger.${problem.path}`,
    }))
    throw new InvalidError(error.code, problems, { cause: error })
  }
}
