import assert from 'node:assert/strict'
import { createScheduler } from '../client/scheduler.js'
import type { ScheduleInput, Scheduler, SchedulerOptions } from '../client/types.js'
import { defineTask } from '../domain/define-task.js'
import type { EpochMs } from '../domain/clock.js'
import type { SchedulerEvents } from '../domain/events.js'
import type { RunId, ScheduleId } from '../domain/ids.js'
import type { Run } from '../domain/run.js'
import type { TaskContext, TaskOptions } from '../domain/task.js'
import type { Heartbeat, HeartbeatAnswer, Store } from '../store/contract.js'
import { MemoryStore } from '../stores/memory/index.js'
import { FaultyStore } from './faulty-store.js'
import { ManualClock } from './manual-clock.js'

// A chain of store calls and handlers is over within far fewer; without real input or output, nothing takes longer.
const SETTLING_TURNS = 30
const PATIENCE = 2000

/** A node of a {@link TestCluster}, with the connection between it and the store. */
export interface TestMember {
  readonly scheduler: Scheduler
  readonly faults: FaultyStore
  /** What this node told, oldest first. */
  readonly events: readonly MemberEvent[]
  /** From now on nothing that it asks the store is answered: dead, as far as the others can see. */
  kill(): void
}

type MemberEvent = {
  [Type in keyof SchedulerEvents]: { readonly type: Type } & SchedulerEvents[Type]
}[keyof SchedulerEvents]

export interface MemberOptions extends Partial<SchedulerOptions> {
  /** @default true */
  readonly start?: boolean
  /** Hints of the store do not reach it: it learns only by looking. @default false */
  readonly deaf?: boolean
}

/** An attempt that a {@link Held} task is in, waiting for the test to end it. */
export interface HeldAttempt {
  readonly context: TaskContext
  succeed(result?: unknown): void
  fail(error: unknown): void
}

/** Schedulers that share one store and one clock, which moves only when told to. */
export class TestCluster {
  readonly clock = new ManualClock()
  readonly store: Store = new MemoryStore({ clock: this.clock })
  readonly startedAt = this.clock.now()
  /** What heartbeats are answered as the load of the cluster; `null`: what the nodes measure. */
  load: number | null = null
  readonly #members: TestMember[] = []

  async node(options: MemberOptions = {}): Promise<TestMember> {
    const { start = true, deaf = false, ...own } = options
    const line = new Line(this.store, deaf, () => this.load)
    const faults = new FaultyStore(line.store)
    const scheduler = await createScheduler({
      clock: this.clock,
      random: () => 0.5,
      ...own,
      store: faults.store,
      node: { name: `node-${this.#members.length + 1}`, ...own.node },
    })
    const events: MemberEvent[] = []
    for (const type of EVENT_TYPES) {
      scheduler.on(type, (event) => void events.push({ type, ...event } as MemberEvent))
    }
    const member: TestMember = { scheduler, faults, events, kill: () => line.cut() }
    this.#members.push(member)
    if (start) {
      await scheduler.start()
      await this.settle()
    }
    return member
  }

  /** Writes a schedule of `task` every ten seconds, unless `schedule` says otherwise. */
  async schedule(
    member: TestMember,
    schedule: Partial<ScheduleInput> & Pick<ScheduleInput, 'task'>,
  ): Promise<void> {
    const defaults = { id: 'job', trigger: { kind: 'interval', every: { seconds: 10 } } }
    await member.scheduler.schedules.put({ ...defaults, ...schedule }, { allowUnknownTask: true })
    await this.settle()
  }

  /** Lets everything that is ready happen, without time going on. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < SETTLING_TURNS; turn++)
      await new Promise<void>((resolve) => void setImmediate(resolve))
  }

  async advance(ms: number): Promise<void> {
    await this.clock.advance(ms)
    await this.settle()
  }

  /** Lets time go on in steps until `promise` has settled. */
  async pass<Value>(promise: Promise<Value>, stepMs = 100): Promise<Value> {
    const state = { settled: false }
    const note = (): void => void (state.settled = true)
    promise.then(note, note)
    await this.settle()
    for (let step = 0; !state.settled; step++) {
      assert.ok(step < PATIENCE, `nothing came of it within ${PATIENCE * stepMs} ms`)
      await this.advance(stepMs)
    }
    return promise
  }

  async run(id: RunId): Promise<Run> {
    const run = await this.store.getRun(id)
    assert.ok(run, `there is no run ${id}`)
    return run
  }

  /** The runs of a schedule, oldest first. */
  async runs(scheduleId: ScheduleId = 'job'): Promise<Run[]> {
    const { items } = await this.store.listRuns({ scheduleId, limit: 1000 })
    return items.toReversed()
  }

  /** The run that `job` has for the fire time this long after the cluster began. */
  id(afterMs: number, scheduleId: ScheduleId = 'job'): RunId {
    return `${scheduleId}@${this.startedAt + afterMs}`
  }

  /** In milliseconds after the cluster began. */
  since(at: EpochMs): number {
    return at - this.startedAt
  }
}

/** A task whose attempts stay under way until the test ends them. */
export class Held {
  readonly attempts: HeldAttempt[] = []
  readonly task

  constructor(name: string, options: Partial<TaskOptions<undefined>> = {}) {
    this.task = defineTask({
      name,
      ...options,
      run: (context) =>
        new Promise((resolve, reject) => {
          this.attempts.push({ context, succeed: resolve, fail: reject })
        }),
    })
  }

  get last(): HeldAttempt {
    const last = this.attempts.at(-1)
    assert.ok(last, `no attempt of ${this.task.name} has begun`)
    return last
  }
}

const EVENT_TYPES = [
  'run.started',
  'run.succeeded',
  'run.failed',
  'run.retrying',
  'run.cancelled',
  'run.leaseLost',
  'run.missed',
  'run.skipped',
  'run.recovered',
  'task.unclaimed',
  'schedule.broken',
  'node.sessionLost',
  'store.writesLost',
  'store.replaced',
  'store.full',
] as const satisfies readonly (keyof SchedulerEvents)[]

/** A connection that can be cut: what is asked afterwards, or is on its way, is never answered. It may tell another load. */
class Line {
  readonly store: Store
  #cut = false

  constructor(inner: Store, deaf: boolean, load: () => number | null) {
    this.store = new Proxy(inner, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name, target)
        if (typeof member !== 'function') return member
        const method = member.bind(target) as (...args: unknown[]) => unknown
        if (name === 'watch')
          return (listener: (hint: unknown) => void) =>
            method((hint: unknown) => deaf || this.#cut || listener(hint))
        if (name === 'heartbeat')
          return async (beat: Heartbeat) => {
            if (this.#cut) return NEVER
            const answer = (await this.#answered(inner.heartbeat(beat))) as HeartbeatAnswer
            return { ...answer, load: load() ?? answer.load }
          }
        return (...args: unknown[]) =>
          this.#cut ? NEVER : this.#answered(method(...args) as Promise<unknown>)
      },
    })
  }

  cut(): void {
    this.#cut = true
  }

  async #answered(answer: Promise<unknown>): Promise<unknown> {
    try {
      return await answer
    } finally {
      if (this.#cut) await NEVER
    }
  }
}

const NEVER = new Promise<never>(() => {})
