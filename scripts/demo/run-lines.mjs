// More lines than this in a second cannot be read, and would slow the terminal down.
const LINES_PER_SECOND = 20
const LONGEST_NOTE = 80

/** Writes one line for everything that becomes of a run on this node, a bounded number of them per second. */
export function printRuns(scheduler, write, paint) {
  let second = 0
  let lines = 0
  let left = 0

  const line = (format, status, { scheduleId }, ...notes) => {
    const now = new Date()
    const current = Math.floor(now.getTime() / 1000)
    if (current !== second) {
      if (left > 0) write(paint('gray', `          … and ${left} more`))
      second = current
      lines = left = 0
    }
    if (++lines > LINES_PER_SECOND) {
      left += 1
      return
    }
    const time = now.toTimeString().slice(0, 8)
    const parts = [
      paint('gray', time),
      scheduleId.padEnd(13),
      paint(format, status.padEnd(9)),
      ...notes.filter((note) => note !== ''),
    ]
    write(parts.join('  '))
  }

  scheduler.on('run.succeeded', (run) => {
    line('green', 'succeeded', run, took(run), attemptOf(run), note(JSON.stringify(run.result) ?? ''))
  })
  scheduler.on('run.failed', (run) => {
    line('red', 'failed', run, took(run), attemptOf(run), note(`${run.error.code}: ${run.error.message}`))
  })
  scheduler.on('run.retrying', (run) => {
    line('yellow', 'retrying', run, `in ${run.delayMs} ms`, attemptOf(run), note(run.error.message))
  })
  scheduler.on('run.cancelled', (run) => line('magenta', 'cancelled', run, note(run.error.message)))
  scheduler.on('run.skipped', (run) => line('gray', 'skipped', run, 'the run before is still going'))
  scheduler.on('run.missed', (run) => line('yellow', 'missed', run, 'while no node was running'))
}

function took({ durationMs }) {
  return `${Math.round(durationMs)} ms`.padStart(6)
}

function attemptOf({ attempt }) {
  return attempt > 1 ? `attempt ${attempt}` : ''
}

function note(text) {
  // Control characters of a task's message must not reach the terminal.
  const plain = text.replace(/[\p{Cc}\s]+/gu, ' ').trim()
  return plain.length > LONGEST_NOTE ? `${plain.slice(0, LONGEST_NOTE - 1)}…` : plain
}
