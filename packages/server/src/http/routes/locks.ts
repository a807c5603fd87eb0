import { LOCK_TTL, LockLostError, type Fence } from '@evertick/core'
import { Type } from 'typebox'
import { presentLock, presentLockAnswer, presentPage } from '../present.js'
import {
  AcquireInputSchema,
  LockAnswerSchema,
  LockName,
  LockSchema,
  ReleasedSchema,
  ReleaseInputSchema,
  RenewInputSchema,
} from '../schemas/lock.js'
import { refusals } from '../schemas/problem.js'
import { PageQuery, pageOf, ref } from '../schemas/shared.js'
import type { Routes } from './types.js'

const tags = ['Locks']
const LockParams = Type.Object({ name: LockName })

/** The verbs of locks. Who uses them renews in time, and stops what it does when a renewal is refused. */
export const lockRoutes: Routes = (app, { locks, store }) => {
  app.get(
    '/locks',
    {
      schema: {
        operationId: 'listLocks',
        summary: 'List the locks that are held, by name',
        tags,
        querystring: Type.Object(
          {
            prefix: Type.Optional(Type.String({ description: 'Only names that begin with this.' })),
            ...PageQuery,
          },
          { additionalProperties: false },
        ),
        response: { 200: pageOf(LockSchema), ...refusals },
      },
    },
    async (request) => presentPage(await locks.list(request.query), presentLock),
  )

  app.post(
    '/locks/:name/acquire',
    {
      schema: {
        operationId: 'acquireLock',
        summary: 'Ask for a lock',
        description:
          'Answers at once. Who waits asks again, with the same `owner`, before its place in the queue expires. ' +
          'Asking again when the answer was lost gives the same grant.',
        tags,
        params: LockParams,
        body: ref(AcquireInputSchema),
        response: { 200: ref(LockAnswerSchema), ...refusals },
      },
    },
    async (request) => {
      const { owner, holder, ttlMs = LOCK_TTL.defaultMs, queueMs = 0 } = request.body
      const { name } = request.params
      return presentLockAnswer(await store.acquireLock({ name, owner, holder, ttlMs, queueMs }), holder)
    },
  )

  app.post(
    '/locks/:name/renew',
    {
      schema: {
        operationId: 'renewLock',
        summary: 'Keep a lock for longer',
        description:
          'LEASE_LOST (409): it has expired, and others may have it. Count the time from the request.',
        tags,
        params: LockParams,
        body: ref(RenewInputSchema),
        response: { 204: Type.Null({ description: 'It is held for `ttlMs` from now.' }), ...refusals },
      },
    },
    async (request, reply) => {
      const { owner, fence, ttlMs = LOCK_TTL.defaultMs } = request.body
      const { name } = request.params
      const renewed = await store.renewLock({ name, owner, fence: fence as Fence, ttlMs })
      if (!renewed) throw new LockLostError(name, fence)
      return reply.code(204).send(null)
    },
  )

  app.post(
    '/locks/:name/release',
    {
      schema: {
        operationId: 'releaseLock',
        summary: 'Release a lock, or leave its queue',
        tags,
        params: LockParams,
        body: ref(ReleaseInputSchema),
        response: { 200: ref(ReleasedSchema), ...refusals },
      },
    },
    async (request) => {
      const { name } = request.params
      return { released: await store.releaseLock({ name, owner: request.body.owner }) }
    },
  )
}
