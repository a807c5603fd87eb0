// What the servers of the demo run. Each handler writes a line when it begins and when it ends, so that the demo can hold
// what really happened against what the store says. Written at once: kill -9 takes nothing of it.
import { appendFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { defineTask } from '@evertick/core'

const ledger = process.env.EVERTICK_DEMO_LEDGER

function note(event, { run, attempt, fence }) {
  appendFileSync(ledger, `${JSON.stringify({ event, run: run.id, attempt, fence, at: Date.now() })}\n`)
}

const noted = (body) => async (context) => {
  note('start', context)
  try {
    return await body(context)
  } finally {
    note('end', context)
  }
}

export const beat = defineTask({
  name: 'beat',
  description: 'Is done at once.',
  run: noted(({ signal }) => sleep(10, undefined, { signal })),
})

export const sync = defineTask({
  name: 'sync',
  description: 'Takes a while.',
  run: noted(({ signal }) => sleep(300, undefined, { signal })),
})

export const report = defineTask({
  name: 'report',
  description: 'Takes seconds, and tells how far it is.',
  run: noted(async ({ signal, progress }) => {
    for (let page = 1; page <= 12; page++) {
      await sleep(500, undefined, { signal })
      progress(page / 12, `page ${page} of 12`)
    }
    return { pages: 12 }
  }),
})

export const flaky = defineTask({
  name: 'flaky',
  description: 'Fails at first every other time, and is tried again.',
  retry: { maxAttempts: 5, initialDelayMs: 300, jitter: 0 },
  run: noted(({ attempt, fireTime }) => {
    if (attempt === 1 && (fireTime.getTime() / 5000) % 2 === 0) throw new Error('the other side hung up')
    return { attempts: attempt }
  }),
})
