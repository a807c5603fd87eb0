import { compileTrigger, isOpen } from '@evertick/core'

/** A fire time is looked for in the store not before it had time to become a run. */
const ASK_AFTER_MS = 300

/**
 * Holds the timetable against the runs' records and against what the handlers wrote: each fire time has one record, which ran;
 * and each time a handler began, it was an attempt of that record, and the only one under its number and its fence.
 */
export class Audit {
  /** What is wrong: of which kind (`missed`, `twice`, `early`), and in words what. */
  problems = []
  /** `taken`: attempts that went on at another node; `again`: attempts after a failure. */
  counts = { fireTimes: 0, accounted: 0, taken: 0, again: 0, failed: 0 }
  #schedules
  /** By run id: fire times that have not been accounted for. */
  #open = new Map()
  #until = Infinity

  /** `schedules` as they were stored, before they fired. */
  constructor(schedules) {
    this.#schedules = new Map(
      schedules.map(({ id, definition, nextFireTime }) => {
        const trigger = compileTrigger(definition.trigger, { scheduleId: id })
        return [id, { trigger, first: nextFireTime, next: nextFireTime, latestRecorded: -Infinity }]
      }),
    )
  }

  /** How many fire times are not accounted for. */
  get waiting() {
    return this.#open.size
  }

  count(kind) {
    return this.problems.filter((problem) => problem.kind === kind).length
  }

  /** Each fire time up to now has to become a run. */
  expect(now) {
    const until = Math.min(now, this.#until)
    for (const [id, schedule] of this.#schedules) {
      while (schedule.next !== null && schedule.next <= until) {
        this.#open.set(`${id}@${schedule.next}`, {
          schedule,
          fireTime: schedule.next,
          starts: [],
          record: null,
        })
        this.counts.fireTimes += 1
        schedule.next = schedule.trigger.next(schedule.next)
      }
    }
  }

  /** What falls due after `now` is not looked at any more. */
  close(now) {
    this.expect(now)
    this.#until = now
  }

  /** A handler began. Answers whether it was the first of its run, `false` also for what is not of the timetable. */
  started(start) {
    const { run } = start
    const [id, time] = run.split('@')
    const schedule = this.#schedules.get(id)
    const fireTime = Number(time)
    // Of a run that someone asked for by hand, the id goes on after the time.
    if (schedule === undefined || !Number.isInteger(fireTime) || fireTime < schedule.first) return false
    if (fireTime > this.#until) return false
    if (start.at < fireTime) this.#tell('early', `${run} began ${fireTime - start.at} ms too early`)
    this.expect(Math.max(start.at, fireTime))
    const expected = this.#open.get(run)
    if (expected === undefined) {
      this.#tell('twice', `${run} began again as attempt ${start.attempt} after it had ended`)
      return false
    }
    expected.starts.push(start)
    return expected.starts.length === 1
  }

  /** The runs to look for in the store. */
  toAsk(now) {
    const ids = []
    for (const [run, { fireTime }] of this.#open) if (fireTime <= now - ASK_AFTER_MS) ids.push(run)
    return ids
  }

  /**
   * What the store has under the ids that it was asked for, `null` where there is nothing. All that handlers wrote before that
   * has to have been told.
   */
  recorded(records) {
    // First: so that what was created while we asked is not taken for a sign that the earlier ones never will be.
    for (const [run, record] of records) if (record === null) this.#absent(run)
    for (const [run, record] of records) {
      if (record === null) continue
      const expected = this.#open.get(run)
      expected.schedule.latestRecorded = Math.max(expected.schedule.latestRecorded, expected.fireTime)
      expected.record = record
      if (!isOpen(record.status)) this.#ended(run, record, expected)
    }
  }

  /** What has not been accounted for never will be. */
  giveUp() {
    for (const [run, { record }] of this.#open) {
      const last = record === null ? 'has no record' : `is still ${record.status} at ${record.node}`
      this.#tell('missed', `${run} ${last}`)
    }
    this.#open.clear()
  }

  /** Schedules move on in order: once a later fire time has its record, an earlier one without will never have one. */
  #absent(run) {
    const { schedule, fireTime } = this.#open.get(run)
    if (schedule.latestRecorded <= fireTime) return
    this.#open.delete(run)
    this.#tell('missed', `${run} has no record`)
  }

  #ended(run, record, { starts }) {
    this.#open.delete(run)
    this.counts.accounted += 1
    this.counts.taken += record.attempts.filter(({ error }) => error.code === 'ABANDONED').length
    this.counts.again += record.attempts.filter(({ error }) => error.code !== 'ABANDONED').length
    if (record.status === 'failed') this.counts.failed += 1
    else if (record.status !== 'succeeded') {
      this.#tell('missed', `${run} is ${record.status}: ${record.error?.message}`)
      return
    }
    const attempts = new Set([record.attempt, ...record.attempts.map(({ attempt }) => attempt)])
    const fences = new Set()
    for (const { attempt, fence } of starts) {
      if (!attempts.delete(attempt)) this.#tell('twice', `${run} began twice as attempt ${attempt}`)
      else if (fences.has(fence)) this.#tell('twice', `${run} began twice under fence ${fence}`)
      else if (attempt === record.attempt && fence !== record.fence)
        this.#tell('twice', `${run} began under fence ${fence}, but is recorded under ${record.fence}`)
      fences.add(fence)
    }
    if (record.status === 'succeeded' && attempts.has(record.attempt))
      this.#tell('missed', `${run} is recorded as succeeded, but nothing ran`)
  }

  #tell(kind, text) {
    this.problems.push({ kind, text })
  }
}
