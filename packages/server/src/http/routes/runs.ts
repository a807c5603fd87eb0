import { RUN_STATUSES } from '@evertick/core'
import { Type } from 'typebox'
import { runNotFound } from '../errors.js'
import { presentLog, presentPage, presentRun } from '../present.js'
import { refusals } from '../schemas/problem.js'
import { LogPageSchema, RunSchema } from '../schemas/run.js'
import { choice, PageQuery, pageOf, ref } from '../schemas/shared.js'
import type { Routes } from './types.js'

const tags = ['Runs']
const RunParams = Type.Object({ id: Type.String({ description: 'The id of the run.' }) })
const strict = { additionalProperties: false }

export const RunFilter = {
  task: Type.Optional(Type.String({ description: 'Only those of this task.' })),
  status: Type.Optional(
    Type.Array(choice(RUN_STATUSES), {
      uniqueItems: true,
      maxItems: RUN_STATUSES.length,
      description: 'Only with one of these: `status=failed,lost`, or `status=failed&status=lost`.',
    }),
  ),
  ...PageQuery,
}

export const runRoutes: Routes = (app, scheduler) => {
  const { runs } = scheduler

  app.get(
    '/runs',
    {
      schema: {
        operationId: 'listRuns',
        summary: 'List runs, newest first',
        tags,
        querystring: Type.Object(
          {
            scheduleId: Type.Optional(Type.String({ description: 'Only those of this schedule.' })),
            ...RunFilter,
          },
          strict,
        ),
        response: { 200: pageOf(RunSchema), ...refusals },
      },
    },
    async (request) => presentPage(await runs.list(request.query), presentRun),
  )

  app.get(
    '/runs/:id',
    {
      schema: {
        operationId: 'getRun',
        summary: 'Get a run',
        tags,
        params: RunParams,
        response: { 200: ref(RunSchema), ...refusals },
      },
    },
    async (request) => {
      const run = await runs.get(request.params.id)
      if (run === null) throw runNotFound(request.params.id)
      return presentRun(run)
    },
  )

  app.get(
    '/runs/:id/log',
    {
      schema: {
        operationId: 'readRunLog',
        summary: 'Read what a run wrote',
        tags,
        params: RunParams,
        querystring: Type.Object(
          {
            after: Type.Optional(
              Type.Integer({ minimum: 0, description: 'The `position` of the page before.' }),
            ),
            limit: PageQuery.limit,
          },
          strict,
        ),
        response: { 200: ref(LogPageSchema), ...refusals },
      },
    },
    async (request) => presentLog(await runs.log(request.params.id, request.query)),
  )

  app.post(
    '/runs/:id/cancel',
    {
      schema: {
        operationId: 'cancelRun',
        summary: 'Cancel a run',
        description: 'One that waits is cancelled at once; one that runs is asked to end.',
        tags,
        params: RunParams,
        response: { 200: ref(RunSchema), ...refusals },
      },
    },
    async (request) => presentRun(await runs.cancel(request.params.id)),
  )

  app.post(
    '/runs/:id/retry',
    {
      schema: {
        operationId: 'retryRun',
        summary: 'Give a run one more attempt',
        description: 'For one that ended without success.',
        tags,
        params: RunParams,
        response: { 200: ref(RunSchema), ...refusals },
      },
    },
    async (request) => presentRun(await runs.retry(request.params.id)),
  )
}
