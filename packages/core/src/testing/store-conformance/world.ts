import assert from 'node:assert/strict'
import type { EpochMs } from '../../domain/clock.js'
import type { RunId, ScheduleId, TaskName } from '../../domain/ids.js'
import type { JsonText } from '../../domain/json.js'
import type { Lease } from '../../domain/lease.js'
import type { Delivery, Overlap } from '../../domain/policies.js'
import type { MissedRange, Run, RunError } from '../../domain/run.js'
import type { Schedule, ScheduleDefinition, ScheduleState } from '../../domain/schedule.js'
import type {
  AttemptOutcome,
  CommitResult,
  Dispatch,
  FireDecision,
  PutResult,
  RunRequest,
  Store,
  Timing,
} from '../../store/contract.js'
import type { StoreUnderTest } from './harness.js'
import { TASK, TestNode, TZDATA, type TestNodeOptions } from './test-node.js'

/** Between the fire times of the suite's schedules. */
export const STEP_MS = 1000
/** How far in the past the first fire time lies: up to 600 fire times are due without waiting for any. */
const BACKLOG_MS = 600 * STEP_MS

export interface ScheduleOptions {
  readonly task?: TaskName
  readonly state?: ScheduleState
  readonly fireTime?: EpochMs | null
  readonly dueAt?: EpochMs
  /** What else its timing says. */
  readonly timing?: Partial<Timing>
  readonly definition?: Partial<ScheduleDefinition>
}

export interface DecisionOptions {
  readonly task?: TaskName
  /** How many fire times become runs. @default 1 */
  readonly runs?: number
  readonly missed?: MissedRange | null
  readonly next?: FireDecision['next']
  readonly tzdata?: string
  readonly calendarsRevision?: number | null
  /** @default 'allow' */
  readonly overlap?: Overlap
  readonly delivery?: Delivery
  readonly priority?: number
  readonly group?: string
  readonly spec?: JsonText
}

/** A store under test with the shorthands of the suite: what a sentence leaves unsaid has a default here. */
export class World {
  readonly store: Store
  readonly #subject: StoreUnderTest
  /** The first fire time of every schedule that says nothing else: long due. */
  readonly firstFire: EpochMs
  #requests = 0

  static async around(subject: StoreUnderTest): Promise<World> {
    return new World(subject, (await subject.store.now()) - BACKLOG_MS)
  }

  private constructor(subject: StoreUnderTest, firstFire: EpochMs) {
    this.#subject = subject
    this.store = subject.store
    this.firstFire = firstFire
  }

  second(): Promise<Store> {
    return this.#subject.second()
  }

  advance(ms: number): Promise<void> {
    return this.#subject.advance(ms)
  }

  // ── schedules ──────────────────────────────────────────────────────────────────────────────────────────────

  /** Creates a schedule that is active and due. */
  async schedule(id: ScheduleId, options: ScheduleOptions = {}): Promise<Schedule> {
    const fireTime = options.fireTime === undefined ? this.firstFire : options.fireTime
    const [answer] = await this.store.putSchedules([
      {
        definition: definitionOf(id, { task: options.task ?? TASK, ...options.definition }),
        state: options.state ?? 'active',
        stateReason: null,
        expect: 'absent',
        timing:
          fireTime === null
            ? null
            : { ...fireAt(fireTime), dueAt: options.dueAt ?? fireTime, ...options.timing },
      },
    ])
    return written(answer)
  }

  /** Changes a schedule as it stands now; its timing is kept. */
  async edit(
    id: ScheduleId,
    changes: { state?: ScheduleState; definition?: Partial<ScheduleDefinition>; timing?: Timing | null },
  ): Promise<Schedule> {
    const before = await this.stored(id)
    const [answer] = await this.store.putSchedules([
      {
        definition: { ...before.definition, ...changes.definition },
        state: changes.state ?? before.state,
        stateReason: null,
        expect: before.revision,
        timing: changes.timing === undefined ? 'keep' : changes.timing,
      },
    ])
    return written(answer)
  }

  async stored(id: ScheduleId): Promise<Schedule> {
    const [schedule] = await this.store.getSchedules([id])
    assert.ok(schedule, `there is no schedule ${id}`)
    return schedule
  }

  // ── firing ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** What a node would decide that read `schedule`: its next fire times become runs, a second apart. */
  decide(schedule: Schedule, options: DecisionOptions = {}): FireDecision {
    const from = schedule.nextFireTime
    assert.ok(from !== null, `schedule ${schedule.id} has no fire time to decide about`)
    const count = options.runs ?? 1
    return {
      scheduleId: schedule.id,
      revision: schedule.revision,
      fireTime: from,
      runs: Array.from({ length: count }, (_, i) => fireAt(from + i * STEP_MS)),
      missed: options.missed ?? null,
      next: options.next === undefined ? fireAt(from + Math.max(1, count) * STEP_MS) : options.next,
      tzdata: options.tzdata ?? TZDATA,
      calendarsRevision: options.calendarsRevision ?? null,
      task: options.task ?? schedule.definition.task,
      spec: options.spec ?? null,
      overlap: options.overlap ?? 'allow',
      delivery: options.delivery ?? 'atLeastOnce',
      priority: options.priority ?? 0,
      group: options.group ?? 'default',
    }
  }

  /** Decides from the schedule as it stands now, and commits that. */
  async commit(
    id: ScheduleId,
    options: DecisionOptions = {},
    dispatch: Dispatch | null = null,
  ): Promise<CommitResult> {
    return this.store.commit([this.decide(await this.stored(id), options)], dispatch)
  }

  /** Fires the schedule once; answers the run or record that its fire time became. */
  async fire(id: ScheduleId, options: DecisionOptions = {}): Promise<Run> {
    const { nextFireTime } = await this.stored(id)
    const result = await this.commit(id, options)
    assert.deepEqual(result.committed, [true], `the decision about ${id} was not carried out`)
    return this.run(`${id}@${nextFireTime}`)
  }

  /** Creates a schedule with one waiting run. */
  async waitingRun(id: ScheduleId, options: DecisionOptions = {}): Promise<Run> {
    await this.schedule(id, options.task === undefined ? {} : { task: options.task })
    return this.fire(id, options)
  }

  // ── runs ───────────────────────────────────────────────────────────────────────────────────────────────────

  async run(id: RunId): Promise<Run> {
    const run = await this.store.getRun(id)
    assert.ok(run, `there is no run ${id}`)
    return run
  }

  async statuses(ids: readonly RunId[]): Promise<string[]> {
    return Promise.all(ids.map(async (id) => (await this.run(id)).status))
  }

  /** All runs of a schedule, newest first. */
  async runsOf(scheduleId: ScheduleId): Promise<Run[]> {
    return (await this.store.listRuns({ scheduleId, limit: 1000 })).items
  }

  /** Ends an attempt; the lease must be held. */
  async finish(lease: Lease, outcome: AttemptOutcome): Promise<Run> {
    const answers = await this.store.finish([{ runId: lease.runId, fence: lease.fence, outcome }])
    assert.deepEqual(answers, [true], `the lease on ${lease.runId} was refused`)
    return this.run(lease.runId)
  }

  /** A request as `runNow` makes it. */
  request(scheduleId: ScheduleId, overrides: Partial<RunRequest> = {}): RunRequest {
    return {
      scheduleId,
      requestId: `request-${this.#requests++}`,
      kind: 'manual',
      fireTime: null,
      task: TASK,
      spec: null,
      delivery: 'atLeastOnce',
      priority: 0,
      group: 'default',
      ...overrides,
    }
  }

  // ── nodes ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** A node with a live session, on this handle or on `options.store`. */
  node(name: string, options: TestNodeOptions = {}): Promise<TestNode> {
    return TestNode.join(options.store ?? this.store, name, options)
  }

  /** A node claims the one run that is ready, and dies. */
  async abandon(meanwhile?: () => Promise<unknown>): Promise<TestNode> {
    const node = await this.node('doomed')
    await node.claimOne()
    await meanwhile?.()
    await node.leave()
    return node
  }
}

export function definitionOf(
  id: ScheduleId,
  overrides: Partial<ScheduleDefinition> = {},
): ScheduleDefinition {
  return { id, task: TASK, trigger: { kind: 'interval', every: STEP_MS }, ...overrides }
}

/** Due at its fire time, and computed from nothing but that. */
export function fireAt(fireTime: EpochMs): Timing {
  return { fireTime, dueAt: fireTime, tzdata: TZDATA, calendars: null, afterRunMs: null }
}

export function written(answer: PutResult | undefined): Schedule {
  assert.ok(answer?.outcome === 'created' || answer?.outcome === 'updated', 'the schedule was not written')
  return answer.schedule
}

export const succeeded: AttemptOutcome = { kind: 'succeeded', result: null }

export const broken: RunError = { code: 'HANDLER_FAILED', message: 'It broke' }

export const failed: AttemptOutcome = { kind: 'failed', error: broken }

export function retryIn(delayMs: number): AttemptOutcome {
  return { kind: 'retry', error: broken, delayMs }
}
