import { expect, test } from 'vitest'
import { OwnShards } from './own-shards.js'

const sessions = ['c', 'a', 'd', 'b']

function divided(total: number, alive: readonly string[]): number[][] {
  return alive.map((own) => {
    const shards = new OwnShards(total)
    shards.divide(own, alive)
    return [...(shards.numbers ?? Array.from({ length: total }, (_, i) => i))]
  })
}

test.each([1, 2, 3, 4])(
  'of %d living nodes each shard has one that looks after it, and none has many more',
  (n) => {
    const parts = divided(16, sessions.slice(0, n))
    expect(parts.flat().toSorted((a, b) => a - b)).toEqual(Array.from({ length: 16 }, (_, i) => i))
    const sizes = parts.map((part) => part.length)
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
  },
)

test('with more nodes than shards every shard is still looked after', () => {
  expect(new Set(divided(2, sessions).flat())).toEqual(new Set([0, 1]))
})

test('everything is looked at until it is known who is alive, and where the own session is not', () => {
  const shards = new OwnShards(16)
  expect(shards.numbers).toBeUndefined()
  shards.divide('own', ['own', 'other'])
  expect(shards.numbers).toHaveLength(8)
  shards.divide('own', ['other', 'another'])
  expect(shards.numbers).toBeUndefined()
})

test('a store of one shard is looked at by all', () => {
  const shards = new OwnShards(1)
  shards.divide('a', ['a', 'b'])
  expect(shards.numbers).toBeUndefined()
})
