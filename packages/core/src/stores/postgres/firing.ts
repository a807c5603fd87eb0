import type { RunId, ScheduleId } from '../../domain/ids.js'
import type { FireTime } from '../../domain/plan.js'
import type { Run } from '../../domain/run.js'
import type { CommitResult, Dispatch, FireDecision, RunRequest } from '../../store/contract.js'
import { byPriority } from '../../store/decision-order.js'
import { REPLACED } from '../../store/reasons.js'
import {
  claimedOfNew,
  heldRun,
  missedRun,
  requestedRun,
  scheduledRun,
  skippedRun,
  type NewRun,
} from '../sql/new-run.js'
import { QUEUE, runOf, type RunRow } from '../sql/rows.js'
import { holdCalendars } from './calendars.js'
import {
  afterRunAmong,
  holdFreeSchedules,
  holdSchedules,
  timeAfterRun,
  writeHeld,
  type HeldSchedule,
} from './held-schedules.js'
import { isLimited, Leasing } from './leasing.js'
import { idOfNew, insertRuns } from './new-runs.js'
import { OpenRuns } from './open-runs.js'
import { SELECT_RUN } from './rows.js'
import { cancelAllOf, holdOpenRuns } from './run-endings.js'
import type { Transaction } from './transaction.js'

type Held = ReadonlyMap<ScheduleId, HeldSchedule>

/** A run that a decision creates, and what it counts as. */
interface Created {
  readonly run: NewRun
  readonly counts: 'claimed' | 'waiting' | 'skipped' | 'missed'
}

export async function commit(
  tx: Transaction,
  decisions: readonly FireDecision[],
  dispatch: Dispatch | null,
): Promise<CommitResult> {
  const usesCalendars = decisions.some(({ calendarsRevision }) => calendarsRevision !== null)
  const calendars = usesCalendars ? await holdCalendars(tx) : null
  const begin = async (): Promise<Leasing | null> => {
    const leasing = dispatch === null ? null : await Leasing.begin(tx, dispatch)
    await leasing?.prepareFor(new Set(decisions.map(({ task }) => task)))
    return leasing
  }
  const ids = decisions.map(({ scheduleId }) => scheduleId)
  const exclusive = idsWith(decisions, ({ overlap }) => overlap !== 'allow')
  const isReplacing = decisions.some(({ overlap }) => overlap === 'cancelOther')
  const hold = (): Promise<[Held, OpenRuns]> =>
    Promise.all([
      holdFreeSchedules(tx, ids),
      exclusive.length === 0 || isReplacing ? OpenRuns.none : OpenRuns.of(tx, exclusive),
    ])
  // Sent together, and carried out in this order.
  const isOrdered = dispatch !== null && isLimited(dispatch)
  const [leasing, [held, open]] = isOrdered
    ? [await begin(), await hold()]
    : await Promise.all([begin(), hold()])
  const firing = new Firing(tx, held, open, leasing, calendars?.revision ?? null)
  if (isReplacing) await firing.holdOpenRuns(decisions)
  const committed = await firing.carryOut(decisions)
  const result = await firing.conclude()
  return { committed, ...result, claimed: (await leasing?.conclude()) ?? [] }
}

/** Carries out decisions about schedules that are held, in memory as far as it can. */
class Firing {
  readonly #tx: Transaction
  readonly #held: Held
  readonly #leasing: Leasing | null
  readonly #calendarsRevision: number | null
  readonly #changed = new Set<HeldSchedule>()
  readonly #afterRun = new Set<ScheduleId>()
  readonly #result = { waiting: 0, skipped: [] as RunId[], missed: [] as RunId[] }
  #open: OpenRuns
  #created: Created[] = []

  constructor(
    tx: Transaction,
    held: Held,
    open: OpenRuns,
    leasing: Leasing | null,
    calendarsRevision: number | null,
  ) {
    this.#tx = tx
    this.#held = held
    this.#open = open
    this.#leasing = leasing
    this.#calendarsRevision = calendarsRevision
  }

  /** Before any of them is cancelled: those of the schedules that replace them. */
  async holdOpenRuns(decisions: readonly FireDecision[]): Promise<void> {
    const held = decisions.filter(({ scheduleId }) => this.#held.has(scheduleId))
    const replacing = idsWith(held, ({ overlap }) => overlap === 'cancelOther')
    if (replacing.length > 0) await holdOpenRuns(this.#tx, replacing)
    this.#open = await OpenRuns.of(
      this.#tx,
      idsWith(held, ({ overlap }) => overlap !== 'allow'),
    )
  }

  async carryOut(decisions: readonly FireDecision[]): Promise<boolean[]> {
    const committed = Array.from({ length: decisions.length }, () => false)
    for (const index of byPriority(decisions)) committed[index] = await this.#carryOutOne(decisions[index]!)
    return committed
  }

  async #carryOutOne(decision: FireDecision): Promise<boolean> {
    const schedule = this.#held.get(decision.scheduleId)
    if (schedule === undefined || !this.#isStill(schedule, decision)) return false
    const { runs, missed, next, tzdata, calendarsRevision } = decision
    const mark = schedule.high_water_mark ?? -Infinity
    const fresh = runs.filter((run) => run.fireTime > mark)
    const reached = Math.max(mark, missed?.to ?? -Infinity, runs.at(-1)?.fireTime ?? -Infinity)
    const following = next === 'afterRun' ? null : next
    schedule.fire_time = following?.fireTime ?? null
    schedule.due_at = following?.dueAt ?? null
    schedule.stretched_ms = following?.stretchedMs ?? null
    schedule.tzdata = next === null ? null : tzdata
    schedule.calendars_revision = calendarsRevision
    schedule.high_water_mark = reached === -Infinity ? null : reached
    schedule.fires += fresh.length
    if (next === null) {
      schedule.state = 'finished'
      schedule.after_run_ms = null
    }
    this.#changed.add(schedule)
    if (missed !== null) this.#create('missed', missedRun(decision, missed))
    for (const fire of fresh) await this.#fire(decision, fire)
    if (next === 'afterRun') this.#afterRun.add(schedule.id)
    return true
  }

  /** The compare of the compare-and-set. */
  #isStill(schedule: HeldSchedule, decision: FireDecision): boolean {
    const { revision, fireTime, next, calendarsRevision } = decision
    if (next !== null && next !== 'afterRun' && next.fireTime <= fireTime) return false
    if (calendarsRevision !== null && calendarsRevision !== this.#calendarsRevision) return false
    return (
      schedule.revision === revision &&
      schedule.fire_time === fireTime &&
      schedule.state === 'active' &&
      schedule.due_at !== null &&
      schedule.due_at <= this.#tx.now
    )
  }

  async #fire(decision: FireDecision, fire: FireTime): Promise<void> {
    const { scheduleId, task, group, priority } = decision
    const verdict = await this.#overlap(decision)
    if (verdict === 'skipped') {
      this.#create('skipped', skippedRun(decision, fire))
      return
    }
    if (verdict === 'free' && this.#leasing?.mayTakeNew(task, group, priority) === true) {
      const lease = { session: this.#leasing.session, fence: this.#leasing.reserve(task) }
      this.#open.add(scheduleId, 'going')
      this.#create('claimed', heldRun(decision, fire, lease))
    } else {
      const queue = verdict === 'blocked' ? QUEUE.blocked : QUEUE.ready
      this.#open.add(scheduleId, verdict === 'blocked' ? 'blocked' : 'going')
      this.#create('waiting', { ...scheduledRun(decision, fire), queue })
    }
  }

  async #overlap({ scheduleId, overlap }: FireDecision): Promise<'free' | 'blocked' | 'skipped'> {
    if (overlap === 'allow') return 'free'
    const { going, blocked } = this.#open.count(scheduleId)
    if (going + blocked === 0) return 'free'
    switch (overlap) {
      case 'bufferAll':
        return 'blocked'
      case 'bufferOne':
        return blocked === 0 ? 'blocked' : 'skipped'
      case 'cancelOther':
        return (await this.#cancelOther(scheduleId)) ? 'blocked' : 'free'
      default:
        return 'skipped'
    }
  }

  async #cancelOther(scheduleId: ScheduleId): Promise<boolean> {
    // Among the others may be some that were decided just now.
    await this.#write()
    const anyRunning = await cancelAllOf(this.#tx, scheduleId, REPLACED)
    this.#open.reset(scheduleId, anyRunning)
    return anyRunning
  }

  #create(counts: Created['counts'], run: NewRun): void {
    this.#created.push({ counts, run })
  }

  /** Writes the runs decided so far; a run that existed already counts for nothing. */
  async #write(): Promise<void> {
    const created = this.#created
    this.#created = []
    const numbers = await insertRuns(
      this.#tx,
      created.map(({ run }) => run),
    )
    for (const { run, counts } of created) {
      const id = idOfNew(run)
      const number = numbers.get(id)
      if (number === undefined) continue
      if (counts === 'claimed') this.#leasing!.add(number, claimedOfNew(run, this.#tx.now))
      else if (counts === 'waiting') this.#result.waiting++
      else this.#result[counts].push(id)
    }
  }

  async conclude(): Promise<Omit<CommitResult, 'committed' | 'claimed'>> {
    await Promise.all([this.#write(), writeHeld(this.#tx, [...this.#changed])])
    await timeAfterRun(this.#tx, [...this.#afterRun])
    if (this.#result.waiting > 0) this.#tx.note('ready')
    return this.#result
  }
}

function idsWith(
  decisions: readonly FireDecision[],
  isMeant: (decision: FireDecision) => boolean,
): ScheduleId[] {
  return decisions.filter(isMeant).map(({ scheduleId }) => scheduleId)
}

export async function addRuns(tx: Transaction, requests: readonly RunRequest[]): Promise<Run[]> {
  const { now } = tx
  const schedules = await holdSchedules(
    tx,
    requests.map(({ scheduleId }) => scheduleId),
  )
  const runs = requests.map((request) => requestedRun(request, now))
  const inserted = await insertRuns(tx, runs)
  if (inserted.size > 0) {
    tx.note('ready')
    await timeAfterRun(tx, afterRunAmong(schedules))
  }
  const rows = await tx.rows<RunRow & { place: number }>(
    `${SELECT_RUN.replace('SELECT', 'SELECT request.place,')}
     JOIN unnest($1::text[], $2::text[], $3::bigint[]) WITH ORDINALITY AS request (schedule_id, request_id, fire_time, place)
       ON runs.schedule_id = request.schedule_id AND runs.request_id = request.request_id
          AND (runs.kind = 'manual' OR runs.fire_time = request.fire_time)
     ORDER BY request.place`,
    [runs.map((run) => run.scheduleId), runs.map((run) => run.requestId), runs.map((run) => run.fireTime)],
  )
  return rows.map((row) => runOf(row))
}
