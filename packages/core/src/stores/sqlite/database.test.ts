import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../domain/clock.js'
import { Database } from './database.js'

let folder: string
let database: Database

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'evertick-database-'))
  database = await open()
  await database.write(() => database.statement('CREATE TABLE notes (text TEXT NOT NULL) STRICT').run())
})

afterEach(async () => {
  await database.close()
  await rm(folder, { recursive: true, force: true })
})

const open = (): Promise<Database> => Database.open(join(folder, 'test.db'), systemClock, () => 0)

const note = (text: string | null): void => void database.statement('INSERT INTO notes VALUES (?)').run(text)

function notes(): string[] {
  const rows = database.statement('SELECT text FROM notes ORDER BY rowid').all() as { text: string }[]
  return rows.map(({ text }) => text)
}

test('writes asked for together are written together, each with its own fate', async () => {
  const results = await Promise.allSettled([
    database.write(() => note('first')),
    database.write(() => {
      note('half of the second')
      throw new Error('changed its mind')
    }),
    database.write(() => note('third')),
  ])
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect(notes()).toEqual(['first', 'third'])
})

test('a write that SQLite refuses takes nothing with it, and says that the store was the matter', async () => {
  await expect(
    database.write(() => {
      note('half')
      note(null)
    }),
  ).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
  expect(notes()).toEqual([])
  await database.write(() => note('later'))
  expect(notes()).toEqual(['later'])
})

test('a file that another process is writing to is waited for', async () => {
  const other = await open()
  other.statement('BEGIN IMMEDIATE').run()
  const written = database.write(() => note('after the other'))
  const lock = new Promise<void>((resolve) => {
    // Long enough that the first attempt was refused: it waits 5 ms in SQLite.
    setTimeout(() => {
      other.statement('COMMIT').run()
      resolve()
    }, 30)
  })
  await Promise.all([written, lock])
  expect(notes()).toEqual(['after the other'])
  await other.close()
})

test('a closed database refuses, and may be closed again', async () => {
  await database.close()
  await database.close()
  await expect(database.write(() => note('too late'))).rejects.toMatchObject({ code: 'STORE_CLOSED' })
  await expect(database.read(() => notes())).rejects.toMatchObject({ code: 'STORE_CLOSED' })
})
