import { expect, test } from 'vitest'
import { EvertickError } from '../../domain/errors.js'
import { storeError } from './errors.js'

function answer(state: string): Error {
  return Object.assign(new Error(`refused with ${state}`), { code: state, severity: 'ERROR' })
}

test.each([
  ['53100', 'STORE_FULL', 'the disk is full'],
  ['53300', 'STORE_UNAVAILABLE', 'there are too many connections'],
  ['57P01', 'STORE_UNAVAILABLE', 'the server is being stopped'],
  ['57P03', 'STORE_UNAVAILABLE', 'the server is starting'],
  ['40P01', 'STORE_UNAVAILABLE', 'a deadlock was broken'],
  ['55P03', 'STORE_UNAVAILABLE', 'a lock was not to be had in time'],
  ['57014', 'STORE_UNAVAILABLE', 'a statement took too long'],
  ['25P03', 'STORE_UNAVAILABLE', 'this process stood still in a transaction'],
  ['25006', 'STORE_UNAVAILABLE', 'the server has become a replica'],
  ['28P01', 'STORE_UNREADABLE', 'the password is wrong'],
  ['42501', 'STORE_UNREADABLE', 'the user may not do this'],
  ['3D000', 'STORE_UNREADABLE', 'there is no such database'],
  ['42P01', 'STORE_UNREADABLE', 'the tables are gone'],
  ['22P02', 'INTERNAL', 'the store itself is wrong'],
])('%s means %s: %s', (state, code) => {
  const cause = answer(state)
  expect(storeError(cause, 'postgres://here')).toMatchObject({
    code,
    cause,
    message: expect.stringMatching(/postgres:\/\/here.*refused with/),
  })
})

test('an error that is not an answer of the server leaves open whether it was written', () => {
  const cause = Object.assign(new Error('socket hang up'), { code: 'EPIPE' })
  expect(storeError(cause, 'x')).toMatchObject({ code: 'STORE_UNAVAILABLE', cause })
})

test('when no address of a host answers, all reasons are told', () => {
  const cause = new AggregateError([new Error('::1 refused'), new Error('127.0.0.1 refused')])
  expect(storeError(cause, 'x').message).toContain('::1 refused; 127.0.0.1 refused')
})

test("what is Evertick's own goes through as it is", () => {
  const own = new EvertickError('REVISION_CONFLICT', 'x')
  expect(storeError(own, 'x')).toBe(own)
})
