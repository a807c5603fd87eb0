import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canBecome, isFailure, isOpen, RUN_STATUSES, RUN_TRANSITIONS, type RunStatus } from './run.js'

const statuses = fc.constantFrom(...RUN_STATUSES)

describe('the life of a run', () => {
  test('begins at pending, running or retrying, and everything else is an end', () => {
    expect(RUN_STATUSES.filter(isOpen)).toEqual(['pending', 'running', 'retrying'])
    expect(RUN_STATUSES.filter(isFailure)).toEqual(['failed', 'lost'])
  })

  test('knows every status', () => {
    expect(Object.keys(RUN_TRANSITIONS).toSorted()).toEqual([...RUN_STATUSES].toSorted())
  })

  test('ends for good with success: nothing leads out of it', () => {
    for (const status of RUN_STATUSES) expect(canBecome('succeeded', status)).toBe(false)
  })

  test('leads to success only out of running', () => {
    expect(RUN_STATUSES.filter((status) => canBecome(status, 'succeeded'))).toEqual(['running'])
  })

  test('goes on after any other end only by being asked for again', () => {
    for (const status of RUN_STATUSES) {
      if (isOpen(status) || status === 'succeeded') continue
      expect(RUN_TRANSITIONS[status]).toEqual(['pending'])
    }
  })

  test('never leads into missed or skipped: those are how a run begins', () => {
    for (const status of RUN_STATUSES) {
      expect(canBecome(status, 'missed')).toBe(false)
      expect(canBecome(status, 'skipped')).toBe(false)
    }
  })

  test('on every path, an attempt begins between two ends, and success is the last word', () => {
    fc.assert(
      fc.property(statuses, fc.infiniteStream(fc.nat()), (start, choices) => {
        const path: RunStatus[] = [start]
        for (const choice of choices) {
          const options = RUN_TRANSITIONS[path.at(-1)!]
          if (options.length === 0 || path.length > 30) break
          path.push(options[choice % options.length]!)
        }
        const success = path.indexOf('succeeded')
        if (success !== -1) expect(success).toBe(path.length - 1)
        for (const [i, status] of path.entries()) {
          if (i > 0 && !isOpen(status)) expect(isOpen(path[i - 1]!)).toBe(true)
        }
      }),
    )
  })
})
