import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { openStore, urlForThreads } from './open-store.js'

test('a file can be opened by other threads, wherever the process has gone meanwhile', () => {
  expect(urlForThreads('sqlite:./some/evertick.db')).toBe(`sqlite:${resolve('some/evertick.db')}`)
  expect(urlForThreads('sqlite:/var/lib/evertick.db')).toBe('sqlite:/var/lib/evertick.db')
})

test.each([
  'redis://redis.example',
  'rediss://:secret@redis.example/0?prefix=team',
  'postgres://evertick:secret@db.example/app?schema=team',
  'postgresql://db.example/app',
])('so can a server: %s', (url) => {
  expect(urlForThreads(url)).toBe(url)
})

test('what lives in memory cannot', () => {
  expect(urlForThreads('memory:')).toBeNull()
  expect(urlForThreads('sqlite::memory:')).toBeNull()
})

test.each([
  'jo:s3cret@redis.example:6379',
  'redis:jo:s3cret@redis.example',
  'https://jo:s3cret@redis.example/0',
  'postgres:/jo:s3cret@db.example',
  '//jo:s3@cret@redis.example',
])('what is no URL of a store is refused without its password: %s', async (url) => {
  const refused: unknown = await openStore(url).catch((error: unknown) => error)
  expect(refused).toMatchObject({ code: 'INVALID_OPTION' })
  expect(String(refused)).not.toMatch(/s3|cret@/)
})
