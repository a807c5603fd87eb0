import { beforeEach, expect, test } from 'vitest'
import { silentLogger } from '../domain/logger.js'
import { Events } from './events.js'

interface Types {
  one: number
  two: string
}

let events: Events<Types>
let errors: object[]

beforeEach(() => {
  errors = []
  events = new Events({ ...silentLogger, error: (fields) => void errors.push(fields) })
})

test('a listener hears its own events until it is removed', () => {
  const heard: unknown[] = []
  const remove = events.on('one', (n) => heard.push(n))
  events.emit('one', 1)
  events.emit('two', 'x')
  remove()
  remove()
  events.emit('one', 2)
  expect(heard).toEqual([1])
})

test('a listener added twice hears twice, and each is removed by itself', () => {
  let heard = 0
  const listener = (): void => void heard++
  const remove = events.on('one', listener)
  events.on('one', listener)
  events.emit('one', 1)
  remove()
  events.emit('one', 1)
  expect(heard).toBe(3)
})

test('an async listener that rejects is told of, and does not end the process', async () => {
  const failure = new Error('late')
  // As people write it, and as TypeScript lets them.
  const listener: () => unknown = () => Promise.reject(failure)
  events.on('one', listener)
  events.emit('one', 1)
  await new Promise<void>((resolve) => void setImmediate(resolve))
  expect(errors).toEqual([{ err: failure, event: 'one' }])
})

test('a listener that throws is told of and disturbs no other', () => {
  const heard: number[] = []
  events.on('one', () => {
    throw new Error('mine')
  })
  events.on('one', (n) => heard.push(n))
  events.emit('one', 7)
  expect(heard).toEqual([7])
  expect(errors).toMatchObject([{ event: 'one', err: new Error('mine') }])
})

test('whether anyone listens can be asked before an event is built', () => {
  expect(events.has('one')).toBe(false)
  const remove = events.on('one', () => {})
  expect([events.has('one'), events.has('two')]).toEqual([true, false])
  remove()
  expect(events.has('one')).toBe(false)
})
