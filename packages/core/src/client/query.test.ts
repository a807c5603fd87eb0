import { expect, test } from 'vitest'
import { runQuery } from './query.js'

test('a status that is asked for more than once is asked for once', () => {
  const status = ['failed', 'lost', 'failed', 'failed'] as const
  expect(runQuery({ status })).toMatchObject({ status: ['failed', 'lost'] })
})
