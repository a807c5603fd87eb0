import type { Run } from '@evertick/core'
import { Type } from 'typebox'
import { instantOf } from '../instant.js'
import { scheduleNotFound } from '../errors.js'
import { shownZone } from '../../preview/zones.js'
import { presentFires, presentPage, presentRun, presentSchedule } from '../present.js'
import { refusals } from '../schemas/problem.js'
import { RunInputSchema, RunSchema } from '../schemas/run.js'
import { PauseInputSchema, ScheduleSchema } from '../schemas/schedule.js'
import { InstantInput, pageOf, ref } from '../schemas/shared.js'
import { FireSchema } from '../schemas/trigger.js'
import { etagOf } from './revision.js'
import { RunFilter } from './runs.js'
import { ScheduleParams } from './schedules.js'
import type { Routes } from './types.js'

const tags = ['Schedules']
const strict = { additionalProperties: false }

/** What can be done with a schedule besides changing it. */
export const scheduleActionRoutes: Routes = (app, scheduler) => {
  const { schedules, runs } = scheduler

  app.post(
    '/schedules/:id/pause',
    {
      schema: {
        operationId: 'pauseSchedule',
        summary: 'Pause a schedule',
        description: 'No run is created once this is answered, until it is resumed. Running runs go on.',
        tags,
        params: ScheduleParams,
        body: ref(PauseInputSchema),
        response: { 200: ref(ScheduleSchema), ...refusals },
      },
      config: { optionalBody: true },
    },
    async (request, reply) => {
      const schedule = await schedules.pause(request.params.id, request.body)
      return reply.header('etag', etagOf(schedule)).send(presentSchedule(schedule))
    },
  )

  app.post(
    '/schedules/:id/resume',
    {
      schema: {
        operationId: 'resumeSchedule',
        summary: 'Resume a schedule',
        description:
          'It goes on with the first fire time after now; those that passed while paused are not caught up.',
        tags,
        params: ScheduleParams,
        response: { 200: ref(ScheduleSchema), ...refusals },
      },
    },
    async (request, reply) => {
      const schedule = await schedules.resume(request.params.id)
      return reply.header('etag', etagOf(schedule)).send(presentSchedule(schedule))
    },
  )

  app.post(
    '/schedules/:id/run',
    {
      schema: {
        operationId: 'runSchedule',
        summary: 'Run a schedule now',
        description:
          'One run besides the timetable, also while paused. A `requestId` that was used answers the run of that ' +
          'time if the input is the same, and 409 if it is another.',
        tags,
        params: ScheduleParams,
        body: ref(RunInputSchema),
        response: {
          200: { ...ref(RunSchema), description: 'The run that this `requestId` made before.' },
          201: { ...ref(RunSchema), description: 'The run, which waits to be taken.' },
          ...refusals,
        },
      },
      config: { optionalBody: true },
    },
    async (request, reply) => {
      const { id } = request.params
      const { requestId } = request.body
      // Only the status of the answer depends on this; what happens is decided by the scheduler alone.
      const isOlder = requestId === undefined ? () => false : await olderThanNow(id, requestId)
      const run = await schedules.runNow(id, request.body)
      return reply
        .code(isOlder(run) ? 200 : 201)
        .header('location', `/api/v1/runs/${encodeURIComponent(run.id)}`)
        .send(presentRun(run))
    },
  )

  app.get(
    '/schedules/:id/upcoming',
    {
      schema: {
        operationId: 'listUpcoming',
        summary: 'Show the next fire times of a schedule',
        tags,
        params: ScheduleParams,
        querystring: Type.Object(
          {
            count: Type.Optional(
              Type.Integer({ minimum: 1, maximum: 1000, description: 'How many; 10 unless given.' }),
            ),
            after: Type.Optional({
              ...InstantInput,
              description: 'Strictly after this instant; now unless given.',
            }),
          },
          strict,
        ),
        response: { 200: pageOf(FireSchema), ...refusals },
      },
    },
    async (request) => {
      const { id } = request.params
      const { count, after } = request.query
      const schedule = await schedules.get(id)
      if (schedule === null) throw scheduleNotFound(id)
      const times = await schedules.upcoming(id, {
        ...(count === undefined ? {} : { count }),
        ...(after === undefined ? {} : { after: instantOf(after, 'INVALID_QUERY', 'after') }),
      })
      return { items: presentFires(times, shownZone(schedule.definition.trigger)), nextCursor: null }
    },
  )

  app.get(
    '/schedules/:id/runs',
    {
      schema: {
        operationId: 'listRunsOfSchedule',
        summary: 'List the runs of a schedule, newest first',
        description: 'Also of one that was deleted, until its history is pruned.',
        tags,
        params: ScheduleParams,
        querystring: Type.Object(RunFilter, strict),
        response: { 200: pageOf(RunSchema), ...refusals },
      },
    },
    async (request) =>
      presentPage(await runs.list({ ...request.query, scheduleId: request.params.id }), presentRun),
  )

  /** Tells the run of this request that was there before from one made after this, by the store's clock. */
  async function olderThanNow(id: string, requestId: string): Promise<(run: Run) => boolean> {
    const now = await scheduler.store.now()
    // One of this very millisecond the time cannot tell apart, but its id can be said.
    const madeJustNow = await runs.get(`${id}@${now}.${requestId}`)
    return (run) => run.createdAt < now || run.id === madeJustNow?.id
  }
}
