import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  closest,
  codeOf,
  ERROR_CODES,
  EvertickError,
  InvalidError,
  LeaseLostError,
  NonRetryableError,
  SessionExpiredError,
} from './errors.js'

describe('the nearest word', () => {
  test.each([
    ['intervall', 'interval'],
    ['CRON', 'cron'],
    ['skpi', 'skip'],
    ['bufferone', 'bufferOne'],
  ])('to %s is %s', (word, meant) => {
    expect(closest(word, ['cron', 'interval', 'skip', 'bufferOne', 'allow'])).toBe(meant)
  })

  test('is not guessed where nothing is near', () => {
    expect(closest('sendInvoices', ['cleanUp', 'report'])).toBeNull()
    expect(closest('anything', [])).toBeNull()
  })

  test('is found for any word with one letter wrong, and is always one of the candidates', () => {
    const words = fc.stringMatching(/^[a-z]{4,20}$/)
    fc.assert(
      fc.property(words, fc.nat(), fc.array(words), (word, n, others) => {
        const at = n % word.length
        const mistyped = `${word.slice(0, at)}_${word.slice(at + 1)}`
        const found = closest(mistyped, [...others, word])
        expect([...others, word]).toContain(found)
      }),
    )
  })

  test('to a hostile word of a megabyte costs nothing', () => {
    expect(closest('a'.repeat(1_000_000), ['a'.repeat(999_999), 'b'])).toBeNull()
  })
})

describe('errors', () => {
  test('carry a code that callers can branch on, their cause, and a name', () => {
    const cause = new Error('socket closed')
    const error = new EvertickError('STORE_UNAVAILABLE', 'The store did not answer', { cause })
    expect(error).toMatchObject({ name: 'EvertickError', code: 'STORE_UNAVAILABLE', problems: [], cause })
    expect(codeOf(error)).toBe('STORE_UNAVAILABLE')
    expect(codeOf(cause)).toBeUndefined()
    expect(codeOf(Object.assign(new Error('not ours'), { code: 'TIMEOUT' }))).toBeUndefined()
    expect(codeOf(null)).toBeUndefined()
  })

  test('about bad input say everything that is wrong in one sentence each', () => {
    const problems = [
      { path: 'a', rule: 'r', message: 'a is wrong' },
      { path: 'b', rule: 'r', message: 'b is wrong' },
    ]
    const error = new InvalidError('INVALID_SCHEDULE', problems)
    expect(error).toMatchObject({ name: 'InvalidError', message: 'a is wrong; b is wrong', problems })
  })

  test('about leases and sessions carry their ids', () => {
    expect(new LeaseLostError('daily@5', 7)).toMatchObject({
      name: 'LeaseLostError',
      code: 'LEASE_LOST',
      runId: 'daily@5',
      fence: 7,
      message: 'Run daily@5 is no longer held under fence 7',
    })
    expect(new SessionExpiredError('abc')).toMatchObject({
      name: 'SessionExpiredError',
      code: 'SESSION_EXPIRED',
      session: 'abc',
    })
    expect(new NonRetryableError('no').name).toBe('NonRetryableError')
  })

  test('have a sentence for every code', () => {
    for (const [code, meaning] of Object.entries(ERROR_CODES)) {
      expect(code).toMatch(/^[A-Z][A-Z_]*$/)
      expect(meaning).toMatch(/^[A-Z].*\.$/)
    }
  })
})
