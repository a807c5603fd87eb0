import { Type } from 'typebox'
import { calendarNotFound, invalid } from '../errors.js'
import { presentCalendar, presentPage } from '../present.js'
import { CalendarInputSchema, CalendarSchema } from '../schemas/calendar.js'
import { refusals } from '../schemas/problem.js'
import { PageQuery, pageOf, ref } from '../schemas/shared.js'
import { etagOf, expectedRevision, IfMatchHeader, IfRevisionQuery } from './revision.js'
import type { Routes } from './types.js'

const tags = ['Calendars']
const strict = { additionalProperties: false }
const CalendarParams = Type.Object({ name: Type.String({ description: 'The name of the calendar.' }) })

/** Days that schedules share by name. */
export const calendarRoutes: Routes = (app, { calendars }) => {
  app.get(
    '/calendars',
    {
      schema: {
        operationId: 'listCalendars',
        summary: 'List calendars, by name',
        tags,
        querystring: Type.Object(PageQuery, strict),
        response: { 200: pageOf(CalendarSchema), ...refusals },
      },
    },
    async (request) => presentPage(await calendars.list(request.query), presentCalendar),
  )

  app.get(
    '/calendars/:name',
    {
      schema: {
        operationId: 'getCalendar',
        summary: 'Get a calendar',
        tags,
        params: CalendarParams,
        response: { 200: ref(CalendarSchema), ...refusals },
      },
    },
    async (request, reply) => {
      const calendar = await calendars.get(request.params.name)
      if (calendar === null) throw calendarNotFound(request.params.name)
      return reply.header('etag', etagOf(calendar)).send(presentCalendar(calendar))
    },
  )

  app.put(
    '/calendars/:name',
    {
      schema: {
        operationId: 'putCalendar',
        summary: 'Create a calendar or replace it',
        description: 'Every schedule that refers to it gets its next fire time computed anew.',
        tags,
        params: CalendarParams,
        body: Type.Unsafe<Record<string, unknown>>({ type: 'object' }),
        headers: IfMatchHeader,
        querystring: Type.Object(IfRevisionQuery, strict),
        response: {
          200: { ...ref(CalendarSchema), description: 'It existed.' },
          201: { ...ref(CalendarSchema), description: 'It was created.' },
          ...refusals,
        },
      },
      config: { documentedBody: CalendarInputSchema },
    },
    async (request, reply) => {
      const { name } = request.params
      const given = request.body['name']
      if (given !== undefined && given !== name) {
        const message = `name must be left out or be ${JSON.stringify(name)} as in the address, but is ${JSON.stringify(given)}`
        throw invalid('INVALID_CALENDAR', 'name', 'name.address', message)
      }
      const existed = (await calendars.get(name)) !== null
      const calendar = await calendars.put(
        { ...request.body, name },
        expectedRevision(request, request.query.ifRevision),
      )
      return reply
        .code(existed ? 200 : 201)
        .header('etag', etagOf(calendar))
        .send(presentCalendar(calendar))
    },
  )

  app.delete(
    '/calendars/:name',
    {
      schema: {
        operationId: 'deleteCalendar',
        summary: 'Delete a calendar that no schedule refers to',
        tags,
        params: CalendarParams,
        headers: IfMatchHeader,
        querystring: Type.Object(IfRevisionQuery, strict),
        response: { 204: Type.Null({ description: 'It is gone.' }), ...refusals },
      },
    },
    async (request, reply) => {
      const { name } = request.params
      if (!(await calendars.delete(name, expectedRevision(request, request.query.ifRevision)))) {
        throw calendarNotFound(name)
      }
      return reply.code(204).send(null)
    },
  )
}
