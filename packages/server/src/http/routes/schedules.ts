import { SCHEDULE_STATES, type ScheduleInput } from '@evertick/core'
import { Type } from 'typebox'
import { invalid, scheduleNotFound } from '../errors.js'
import { presentPage, presentSchedule } from '../present.js'
import { refusals } from '../schemas/problem.js'
import { ScheduleInputSchema, SchedulePatchSchema, ScheduleSchema } from '../schemas/schedule.js'
import { choice, PageQuery, pageOf, ref } from '../schemas/shared.js'
import { putIf } from './conditional-put.js'
import {
  conditionOf,
  etagOf,
  expectedRevision,
  IfMatchHeader,
  IfRevisionQuery,
  PutHeaders,
} from './revision.js'
import type { Routes } from './types.js'

const tags = ['Schedules']
export const ScheduleParams = Type.Object({ id: Type.String({ description: 'The id of the schedule.' }) })
const AllowUnknownTask = {
  allowUnknownTask: Type.Optional(
    Type.Boolean({ description: 'Take a task that no node knows yet. Its runs wait until one does.' }),
  ),
}
const Paused = {
  paused: Type.Optional(
    Type.Boolean({ description: 'Write it as paused, so that nothing fires before it is resumed.' }),
  ),
}
const strict = { additionalProperties: false }

/** Checked by the scheduler; here it only must be an object. */
const UncheckedBody = Type.Unsafe<Record<string, unknown>>({ type: 'object' })

export const scheduleRoutes: Routes = (app, scheduler) => {
  const { schedules } = scheduler

  app.post(
    '/schedules',
    {
      schema: {
        operationId: 'createSchedule',
        summary: 'Create a schedule',
        tags,
        body: UncheckedBody,
        querystring: Type.Object(
          {
            ifExists: Type.Optional(
              choice(['error', 'replace', 'keep'], {
                description:
                  'What to do when the id is taken: refuse (unless said otherwise), change it, or leave it.',
              }),
            ),
            ...AllowUnknownTask,
            ...Paused,
          },
          strict,
        ),
        response: {
          200: { ...ref(ScheduleSchema), description: 'It existed.' },
          201: { ...ref(ScheduleSchema), description: 'It was created.' },
          ...refusals,
        },
      },
      config: { documentedBody: ScheduleInputSchema },
    },
    async (request, reply) => {
      const { ifExists = 'error', allowUnknownTask = false, paused = false } = request.query
      const input = request.body as unknown as ScheduleInput
      // Only the status of the answer depends on this; what happens is decided by the put alone.
      const existed = ifExists !== 'error' && (await exists(input.id))
      const schedule = await schedules.put(input, { ifExists, allowUnknownTask, paused })
      return reply
        .code(existed ? 200 : 201)
        .header('location', `/api/v1/schedules/${encodeURIComponent(schedule.id)}`)
        .header('etag', etagOf(schedule))
        .send(presentSchedule(schedule))
    },
  )

  app.put(
    '/schedules/:id',
    {
      schema: {
        operationId: 'putSchedule',
        summary: 'Create a schedule or replace it',
        description:
          'Put again unchanged, nothing is written. Changed in anything but its trigger, start, end or jitter, ' +
          'its next fire time stays.',
        tags,
        params: ScheduleParams,
        body: UncheckedBody,
        headers: PutHeaders,
        querystring: Type.Object({ ...IfRevisionQuery, ...AllowUnknownTask, ...Paused }, strict),
        response: {
          200: { ...ref(ScheduleSchema), description: 'It existed.' },
          201: { ...ref(ScheduleSchema), description: 'It was created.' },
          ...refusals,
        },
      },
      config: { documentedBody: ScheduleInputSchema },
    },
    async (request, reply) => {
      const { id } = request.params
      const { ifRevision, allowUnknownTask = false, paused = false } = request.query
      const given = request.body['id']
      if (given !== undefined && given !== id) {
        const message = `id must be left out or be ${JSON.stringify(id)} as in the address, but is ${JSON.stringify(given)}`
        throw invalid('INVALID_SCHEDULE', 'id', 'id.address', message)
      }
      const condition = conditionOf(request, ifRevision)
      const existed = condition !== 'absent' && (await exists(id))
      const input = { ...request.body, id } as ScheduleInput
      const schedule = await putIf(condition, schedules, input, { allowUnknownTask, paused })
      return reply
        .code(existed ? 200 : 201)
        .header('etag', etagOf(schedule))
        .send(presentSchedule(schedule))
    },
  )

  app.get(
    '/schedules',
    {
      schema: {
        operationId: 'listSchedules',
        summary: 'List schedules, by id',
        tags,
        querystring: Type.Object(
          {
            state: Type.Optional(choice(SCHEDULE_STATES)),
            task: Type.Optional(Type.String({ description: 'Only those of this task.' })),
            prefix: Type.Optional(Type.String({ description: 'Only ids that begin with this.' })),
            calendar: Type.Optional(Type.String({ description: 'Only those that refer to this calendar.' })),
            ...PageQuery,
          },
          strict,
        ),
        response: { 200: pageOf(ScheduleSchema), ...refusals },
      },
    },
    async (request) => presentPage(await schedules.list(request.query), presentSchedule),
  )

  app.get(
    '/schedules/:id',
    {
      schema: {
        operationId: 'getSchedule',
        summary: 'Get a schedule',
        description:
          'The ETag is its revision: send it back as `If-Match` to change what you saw, and nothing newer.',
        tags,
        params: ScheduleParams,
        response: { 200: ref(ScheduleSchema), ...refusals },
      },
    },
    async (request, reply) => {
      const schedule = await schedules.get(request.params.id)
      if (schedule === null) throw scheduleNotFound(request.params.id)
      return reply.header('etag', etagOf(schedule)).send(presentSchedule(schedule))
    },
  )

  app.patch(
    '/schedules/:id',
    {
      schema: {
        operationId: 'patchSchedule',
        summary: 'Change fields of a schedule',
        tags,
        params: ScheduleParams,
        body: UncheckedBody,
        headers: IfMatchHeader,
        querystring: Type.Object({ ...IfRevisionQuery, ...AllowUnknownTask }, strict),
        response: { 200: ref(ScheduleSchema), ...refusals },
      },
      config: { documentedBody: SchedulePatchSchema },
    },
    async (request, reply) => {
      const { ifRevision, allowUnknownTask = false } = request.query
      if (Object.hasOwn(request.body, 'id')) {
        throw invalid(
          'INVALID_SCHEDULE',
          'id',
          'id.fixed',
          'id cannot be changed; create another schedule instead',
        )
      }
      const schedule = await schedules.patch(request.params.id, request.body, {
        ...expectedRevision(request, ifRevision),
        allowUnknownTask,
      })
      return reply.header('etag', etagOf(schedule)).send(presentSchedule(schedule))
    },
  )

  app.delete(
    '/schedules/:id',
    {
      schema: {
        operationId: 'deleteSchedule',
        summary: 'Delete a schedule',
        description:
          'Waiting runs are cancelled, running ones asked to end. Its history stays until it is pruned.',
        tags,
        params: ScheduleParams,
        headers: IfMatchHeader,
        querystring: Type.Object(IfRevisionQuery, strict),
        response: { 204: Type.Null({ description: 'It is gone.' }), ...refusals },
      },
    },
    async (request, reply) => {
      const { id } = request.params
      if (!(await schedules.delete(id, expectedRevision(request, request.query.ifRevision)))) {
        throw scheduleNotFound(id)
      }
      return reply.code(204).send(null)
    },
  )

  async function exists(id: unknown): Promise<boolean> {
    return typeof id === 'string' && (await schedules.get(id)) !== null
  }
}
