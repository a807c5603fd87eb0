// A node whose handler pays and completes its run in one transaction, and is killed at the moment that it is told to: it
// writes a line, and waits for the end.
import { writeSync } from 'node:fs'
import pg from 'pg'
import { createScheduler, defineTask } from '@evertick/core'

const { store, database, dieAt } = JSON.parse(process.argv[2])

function reach(moment) {
  if (moment !== dieAt) return null
  writeSync(1, `${moment}\n`)
  return new Promise(() => setInterval(() => {}, 1000))
}

const pay = defineTask({
  name: 'pay',
  run: async ({ run, complete }) => {
    const client = new pg.Client(database)
    await client.connect()
    await client.query('BEGIN')
    await client.query('INSERT INTO payments VALUES ($1)', [run.id])
    await complete(client)
    await reach('completed')
    await client.query('COMMIT')
    await reach('committed')
    await client.end()
  },
})

const scheduler = await createScheduler({ store, tasks: [pay], lease: { leaseMs: 3000, renewMs: 500 } })
await scheduler.start()
