import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { createScheduler, type Run, type Scheduler } from '@evertick/core'
import { PostgresServer } from '@evertick/core/testing'
import pg from 'pg'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'

const PROGRAM = fileURLToPath(new URL('nodes/complete.mjs', import.meta.url))

let server: PostgresServer
let observer: Scheduler
let operator: pg.Client

beforeEach(async () => {
  server = await PostgresServer.start()
  observer = await createScheduler({ store: server.url })
  operator = new pg.Client(server.url)
  await operator.connect()
  await operator.query('CREATE TABLE payments (run text)')
})

afterEach(async () => {
  await operator.end()
  await observer.stop()
  await server.stop()
})

function start(dieAt: string | null): { reached: Promise<unknown>; kill(): Promise<void> } {
  const options = JSON.stringify({ store: server.url, database: server.url, dieAt })
  const child = spawn(process.execPath, [PROGRAM, options], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exit = once(child, 'exit')
  return {
    reached: once(child.stdout, 'data'),
    kill: async () => {
      child.kill('SIGKILL')
      await exit
    },
  }
}

const payments = async (): Promise<string[]> =>
  (await operator.query<{ run: string }>('SELECT run FROM payments')).rows.map(({ run }) => run)

async function ended(id: string): Promise<Run> {
  return vi.waitFor(
    async () => {
      const run = await observer.runs.get(id)
      expect(run).toMatchObject({ status: 'succeeded' })
      return run!
    },
    { timeout: 60_000, interval: 50 },
  )
}

test.each([
  ['between completing its run and the commit: the run is taken over, and paid once', 'completed', 2],
  ['after the commit: the run has ended, and nobody takes it over', 'committed', 1],
])('a node that is killed %s', async (_what, moment, attempt) => {
  const { id } = await observer.runs.enqueue('pay', { allowUnknownTask: true })
  const first = start(moment)
  await first.reached
  await first.kill()
  const second = start(null)
  try {
    // Put after the first, and taken after it if that is taken at all.
    const { id: next } = await observer.runs.enqueue('pay', { allowUnknownTask: true })
    expect(await ended(id)).toMatchObject({ attempt })
    await ended(next)
    // When the lease of the dead node is over, as it has been for whoever recovered.
    await vi.waitFor(async () => {
      const nodes = await observer.listNodes()
      expect(nodes.filter(({ alive }) => alive)).toHaveLength(1)
    }, 60_000)
    expect((await payments()).toSorted()).toEqual([id, next].toSorted())
  } finally {
    await second.kill()
  }
})
