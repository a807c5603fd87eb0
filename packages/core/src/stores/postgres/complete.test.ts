import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createScheduler } from '../../client/scheduler.js'
import type { Scheduler } from '../../client/types.js'
import { defineTask } from '../../domain/define-task.js'
import type { Run } from '../../domain/run.js'
import type { TaskContext } from '../../domain/task.js'
import { PostgresServer } from '../../testing/servers/postgres-server.js'

let server: PostgresServer
let pool: pg.Pool
let schema: string
let schemas = 0
let scheduler: Scheduler
let handler: (context: TaskContext, attempt: number) => Promise<unknown>
let attempts: number

const pay = defineTask({
  name: 'pay',
  retry: { maxAttempts: 3, maxDelayMs: 1 },
  run: (context) => handler(context, ++attempts),
})

beforeAll(async () => {
  server = await PostgresServer.start()
  pool = new pg.Pool({ connectionString: server.url })
  pool.on('error', () => {})
  await pool.query('CREATE TABLE payments (run text, attempt integer)')
})

beforeEach(async () => {
  schema = `test_${schemas++}`
  attempts = 0
  await pool.query('DELETE FROM payments')
  scheduler = await open()
  await scheduler.start()
})

afterEach(() => scheduler.stop({ graceMs: 0 }))

afterAll(async () => {
  await pool.end()
  await server.stop()
})

function open(): Promise<Scheduler> {
  const store = `${server.url}?schema=${schema}`
  return createScheduler({ store, tasks: [pay], lease: { leaseMs: 3000, renewMs: 500 } })
}

/** Pays and completes the run in one transaction, with `between` before it is committed. */
async function payOnce(
  { run, complete }: TaskContext,
  between: (client: pg.PoolClient) => Promise<void> = async () => {},
): Promise<void> {
  const client = await pool.connect()
  client.on('error', () => {})
  let broken = true
  try {
    await client.query('BEGIN')
    await client.query('INSERT INTO payments VALUES ($1, $2)', [run.id, attempts])
    await complete(client, { paid: true })
    await between(client)
    await client.query('COMMIT')
    broken = false
  } finally {
    client.release(broken)
  }
}

const payments = async (): Promise<number[]> =>
  (await pool.query<{ attempt: number }>('SELECT attempt FROM payments')).rows.map(({ attempt }) => attempt)

/** The run of the task, once the node has told how it ended. */
function told(event: 'run.succeeded' | 'run.failed' | 'run.leaseLost'): Promise<{ runId: string }> {
  return new Promise((resolve) => void scheduler.on(event, resolve))
}

async function runOf(event: Promise<{ runId: string }>): Promise<Run> {
  return (await scheduler.runs.get((await event).runId))!
}

const kill = (client: pg.PoolClient): Promise<unknown> =>
  pool.query('SELECT pg_terminate_backend($1)', [(client as unknown as { processID: number }).processID])

describe('a run that its handler completes', () => {
  test('has ended with what it wrote, once, and its result is what it completed with', async () => {
    const seen: string[] = []
    for (const event of ['run.failed', 'run.leaseLost', 'run.retrying'] as const)
      scheduler.on(event, () => seen.push(event))
    handler = async (context) => {
      context.log('before')
      await payOnce(context)
      context.log('after')
      return 'something else'
    }
    const succeeded = new Promise<unknown>((resolve) => void scheduler.on('run.succeeded', resolve))
    const { id } = await scheduler.runs.enqueue(pay)
    expect(await succeeded).toMatchObject({ runId: id, result: { paid: true } })
    expect(await scheduler.runs.get(id)).toMatchObject({
      status: 'succeeded',
      result: { paid: true },
      attempt: 1,
    })
    expect((await scheduler.runs.log(id)).lines.map(({ message }) => message)).toEqual(['before'])
    expect(await payments()).toEqual([1])
    expect(seen).toEqual([])
  })

  test('stays succeeded when the handler fails after the commit', async () => {
    handler = async (context) => {
      await payOnce(context)
      throw new Error('too late')
    }
    const succeeded = told('run.succeeded')
    await scheduler.runs.enqueue(pay)
    expect(await runOf(succeeded)).toMatchObject({ status: 'succeeded', attempt: 1, error: null })
    expect(await payments()).toEqual([1])
  })

  test('goes on as if nothing had been called when its transaction is rolled back', async () => {
    handler = async (context, attempt) => {
      const undo = async (): Promise<void> => {
        if (attempt === 1) throw new Error('undo')
      }
      await payOnce(context, undo).catch((error: unknown) => {
        context.log('rolled back')
        throw error
      })
    }
    const succeeded = told('run.succeeded')
    await scheduler.runs.enqueue(pay)
    const run = await runOf(succeeded)
    expect(run).toMatchObject({ attempt: 2, attempts: [{ error: { message: 'undo' } }] })
    expect((await scheduler.runs.log(run.id)).lines.map(({ message }) => message)).toEqual(['rolled back'])
    expect(await payments()).toEqual([2])
  })

  test('may be completed again in a second transaction after the first was rolled back', async () => {
    handler = async (context) => {
      await payOnce(context, () => Promise.reject(new Error('undo'))).catch(() => {})
      await payOnce(context)
    }
    const succeeded = told('run.succeeded')
    await scheduler.runs.enqueue(pay)
    expect(await runOf(succeeded)).toMatchObject({ attempt: 1 })
    expect(await payments()).toEqual([1])
  })

  test('takes effect once when the connection is lost before the commit', async () => {
    handler = (context, attempt) =>
      payOnce(context, async (client) => {
        if (attempt === 1) await kill(client)
      })
    const succeeded = told('run.succeeded')
    await scheduler.runs.enqueue(pay)
    expect(await runOf(succeeded)).toMatchObject({ attempt: 2 })
    expect(await payments()).toEqual([2])
  })

  test('takes effect once when the answer to the commit is lost', async () => {
    handler = (context, attempt) =>
      payOnce(context, async (client) => {
        if (attempt > 1) return
        await client.query('COMMIT')
        await kill(client)
      })
    const succeeded = told('run.succeeded')
    await scheduler.runs.enqueue(pay)
    expect(await runOf(succeeded)).toMatchObject({ attempt: 1, result: { paid: true } })
    expect(await payments()).toEqual([1])
  })

  test('is undecided while its transaction is open, even after the handler has returned, and holds up no other', async () => {
    let commit!: () => void
    const mayCommit = new Promise<void>((resolve) => (commit = resolve))
    handler = async (context, attempt) => {
      if (attempt > 1) return
      await new Promise<void>((completed) => {
        const paying = payOnce(context, () => {
          completed()
          return mayCommit
        })
        paying.catch(() => {})
      })
    }
    const first = await scheduler.runs.enqueue(pay)
    for (let i = 0; i < 3; i++) {
      const succeeded = told('run.succeeded')
      const { id } = await scheduler.runs.enqueue(pay)
      expect((await succeeded).runId).toBe(id)
    }
    expect(await scheduler.runs.get(first.id)).toMatchObject({ status: 'running' })
    const succeeded = told('run.succeeded')
    commit()
    expect(await runOf(succeeded)).toMatchObject({ id: first.id, result: { paid: true } })
  })

  test('is refused under a lease that is lost, and what the handler wrote is rolled back', async () => {
    const errors: unknown[] = []
    handler = async (context, attempt) => {
      if (attempt === 1) {
        // As if the node had stood still until others had taken over.
        await pool.query(`UPDATE ${schema}.runs SET fence = fence + 1`)
        const client = await pool.connect()
        await client.query('BEGIN')
        await client.query('INSERT INTO payments VALUES ($1, $2)', [context.run.id, attempt])
        await context.complete(client).catch((error: unknown) => errors.push(error))
        await client.query('COMMIT')
        client.release()
      }
    }
    const lost = told('run.leaseLost')
    await scheduler.runs.enqueue(pay)
    await lost
    expect(errors).toMatchObject([{ code: 'LEASE_LOST' }])
    expect(await payments()).toEqual([])
  })
})
