import { hostname } from 'node:os'
import type { Health } from '../domain/events.js'
import type { Logger } from '../domain/logger.js'
import type { Clock, Random } from '../domain/clock.js'
import { EvertickError, messageOf } from '../domain/errors.js'
import type { NodeId, SessionId, TaskName } from '../domain/ids.js'
import type { LeaseTiming } from '../domain/lease.js'
import type { HistoryPolicy } from '../domain/policies.js'
import type { Task } from '../domain/task.js'
import type { HeartbeatAnswer, RecoveredRun, Store, StoreHint } from '../store/contract.js'
import { TZDATA } from '../domain/tzdata.js'
import { VERSION } from '../version.js'
import { ABORT_GRACE_MS } from './attempt.js'
import { Attempts } from './attempts.js'
import type { NodeDescription } from './blocked-load.js'
import { ClaimRuns } from './claim-runs.js'
import { Dispatcher } from './dispatcher.js'
import { FireDue } from './fire-due.js'
import type { KeepAlive, KeepAliveOptions } from './keep-alive.js'
import { Loop, type NotTried } from './loop.js'
import type { NodeEvents } from './node-events.js'
import { NodeLoad } from './node-load.js'
import { OwnShards } from './own-shards.js'
import { Reporter } from './reporter.js'
import { Session } from './session.js'
import { Slots } from './slots.js'
import { StoreRoom } from './store-room.js'
import { Upkeep } from './upkeep.js'
import { within } from './within.js'

/** What a lost or impossible notification costs at most. */
const POLL_MS = 500
/** Without notifications between processes, each looks for itself more often. */
const POLL_UNNOTIFIED_MS = 200
const STALE_PEEK_MS = 10_000
const OVERDUE_MS = 60_000
/** Steps that fail for so long are no passing fault. */
const FAILING_MS = 5000

export interface NodeOptions {
  readonly store: Store
  readonly name: NodeId
  readonly groups: readonly string[]
  readonly slots: number
  readonly tasks: ReadonlyMap<TaskName, Task>
  readonly timing: LeaseTiming
  /** Who renews the session. */
  readonly keepAlive: (options: KeepAliveOptions) => KeepAlive
  readonly history: HistoryPolicy
  readonly events: NodeEvents
  readonly log: Logger
  readonly clock: Clock
  readonly random: Random
}

/** One live process taking part: owns the loops, the session and the attempts, and starts and stops them in order. */
export class Node {
  readonly #options: NodeOptions
  readonly #session: Session
  readonly #slots: Slots
  readonly #reporter: Reporter
  readonly #attempts: Attempts
  readonly #dispatcher: Dispatcher
  readonly #fireDue: FireDue
  readonly #claimRuns: ClaimRuns
  readonly #taking: readonly Loop[]
  readonly #shards: OwnShards
  readonly #room: StoreRoom
  readonly #fireLoop: Loop
  readonly #claimLoop: Loop
  #keepAlive: KeepAlive | null = null
  #load: NodeLoad | null = null
  /** As the store last told it; `null` before it has. */
  #clusterLoad: number | null = null
  #unwatch: (() => void) | null = null
  /** Told once, though the store says so again and again. */
  #replaced = false

  constructor(options: NodeOptions) {
    const { store, clock, random, log, tasks } = options
    const pollMs = store.info.notifies ? POLL_MS : POLL_UNNOTIFIED_MS
    this.#options = options
    this.#session = new Session(clock, () => this.#sessionLost())
    this.#slots = new Slots(options.slots, tasks)
    this.#reporter = new Reporter({ ...options, refused: (lease) => this.#attempts.lose(lease) })
    this.#attempts = new Attempts({
      ...options,
      slots: this.#slots,
      reporter: this.#reporter,
      slotFreed: () => {
        if (this.#claimRuns.wantsSlots) this.#claimLoop.wake()
      },
    })
    this.#dispatcher = new Dispatcher({
      clock,
      node: options.name,
      groups: options.groups,
      slots: this.#slots,
      session: this.#session,
      leaseMs: options.timing.leaseMs,
      start: (run) => this.#attempts.start(run),
      release: (run) => this.#attempts.release(run),
    })
    this.#shards = new OwnShards(store.info.shards)
    this.#room = new StoreRoom({ changed: (isFull) => this.#roomChanged(isFull) })
    this.#claimRuns = new ClaimRuns({ store, dispatcher: this.#dispatcher, pollMs })
    this.#fireDue = new FireDue({
      store,
      dispatcher: this.#dispatcher,
      events: options.events,
      log,
      pollMs,
      shards: () => this.#shards.numbers,
      now: () => clock.monotonic(),
      onWaiting: () => this.#moreWaiting(),
      load: () => this.#clusterLoad,
    })
    const upkeep = new Upkeep({
      store,
      history: options.history,
      now: () => clock.monotonic(),
      isTrusted: () => this.#session.isTrusted(),
      recovered: (runs) => this.#recovered(runs),
      unclaimed: (task, waiting) => this.#unclaimed(task, waiting),
    })

    const supervision = { clock, random, log }
    type Step = () => Promise<number | NotTried>
    const loop = (name: string, step: Step): Loop => new Loop({ ...supervision, name, step })
    const writing = (name: string, step: Step): Loop => loop(name, this.#room.watch(name, step))
    this.#fireLoop = writing('fire-due', () => this.#fireDue.step())
    this.#claimLoop = writing('claim-runs', () => this.#claimRuns.step())
    this.#taking = [
      this.#fireLoop,
      this.#claimLoop,
      loop('recover', () => upkeep.recoverStep()),
      loop('prune', () => upkeep.pruneStep()),
      loop('unclaimed', () => upkeep.unclaimedStep()),
    ]
  }

  start(): void {
    const { store, clock, log, name } = this.#options
    this.#load = new NodeLoad(clock)
    this.#keepAlive = this.#options.keepAlive({
      ...this.#options,
      session: this.#session,
      describe: () => this.#describe(),
      answered: (answer) => this.#renewed(answer),
      expired: (session) => this.#sessionExpired(session),
    })
    this.#unwatch = store.watch((hint) => this.#hinted(hint))
    this.#keepAlive.start()
    for (const loop of this.#taking) loop.start()
    const { kind, location, notifies, shared, durable } = store.info
    log.info({ node: name, session: this.#session.id, store: location }, 'Node started')
    if (shared && !durable) {
      log.warn(
        { store: location },
        'The store does not write all that it acknowledges to disk: when it dies, the last of that is lost',
      )
    }
    // Nobody wonders that a file tells nothing.
    if (kind === 'postgres' && !notifies) {
      log.info(
        { pollMs: POLL_UNNOTIFIED_MS },
        'Before PostgreSQL stands a transaction pooler, through which nodes cannot tell each other anything: this one looks by itself',
      )
    }
  }

  /** In this order: take nothing more, hand over, wait, abort, report, and only then let the session go. */
  async stop(graceMs: number): Promise<void> {
    const { store, log, name } = this.#options
    await Promise.all([this.#dispatcher.close(), ...this.#taking.map((loop) => loop.stop())])
    this.#unwatch?.()
    if (!(await this.#within(graceMs, this.#attempts.idle()))) {
      const reason = new EvertickError(
        'STOPPING',
        `The node is stopping, and its grace of ${graceMs} ms is over`,
      )
      this.#attempts.abortAll(reason)
      await this.#within(2 * ABORT_GRACE_MS, this.#attempts.idle())
    }
    if (!(await this.#within(ABORT_GRACE_MS, this.#reporter.drained()))) {
      log.error({ node: name }, 'The store did not take all outcomes in time; their runs will be recovered')
      this.#reporter.giveUp()
    }
    await this.#keepAlive?.stop()
    const { id } = this.#session
    this.#session.end()
    try {
      await store.leave(id)
    } catch (error) {
      log.error({ err: error, node: name }, 'The session could not be ended; it expires by itself')
    }
    this.#load?.stop()
    log.info({ node: name }, 'Node stopped')
  }

  async health(): Promise<Health> {
    const { clock, store } = this.#options
    const problems: string[] = []
    const { lastPeekAt } = this.#fireDue
    const lastPeekAgeMs = lastPeekAt === null ? null : Math.round(clock.monotonic() - lastPeekAt)
    if (lastPeekAgeMs === null) problems.push('The store has not been asked yet what is due')
    else if (lastPeekAgeMs > STALE_PEEK_MS)
      problems.push(`The store last answered what is due ${lastPeekAgeMs} ms ago`)
    if (!this.#session.isTrusted()) problems.push('The node has no session with the store')
    if (this.#room.isFull) problems.push('The store has no room: nothing new fires or starts until there is')
    const { overdueMs } = this.#fireDue
    if (overdueMs > OVERDUE_MS) problems.push(`A schedule is overdue by ${overdueMs} ms`)
    try {
      await store.now()
      if (!this.#room.isFull) problems.push(...this.#failingSteps())
    } catch (error) {
      problems.push(messageOf(error))
    }
    return { ready: problems.length === 0, problems, lastPeekAgeMs, overdueMs }
  }

  /** Of a store that answers, and yet does not let this node go on. */
  #failingSteps(): string[] {
    const now = this.#options.clock.monotonic()
    return [this.#fireLoop, this.#claimLoop].flatMap(({ name, trouble }) =>
      trouble === null || now - trouble.since < FAILING_MS
        ? []
        : `${name} has failed for ${Math.round(now - trouble.since)} ms: ${messageOf(trouble.error)}`,
    )
  }

  #hinted(hint: StoreHint): void {
    if (hint === 'due') this.#fireLoop.wake()
    else if (hint === 'cancel') this.#keepAlive?.wake()
    else if (hint === 'ready') this.#moreWaiting()
    // Those who wait for locks watch for themselves.
    else if (hint !== 'lock') this.#storeInTrouble(hint)
  }

  #storeInTrouble(trouble: Extract<StoreHint, 'writesLost' | 'replaced'>): void {
    const { events, log, store } = this.#options
    const { location } = store.info
    if (trouble === 'writesLost') {
      log.error(
        { store: location },
        'The store lost acknowledged writes; what this node saw of its fires was restored',
      )
      events.emit('store.writesLost', { store: location })
    } else if (!this.#replaced) {
      this.#replaced = true
      log.error(
        { store: location },
        'The store holds other data than was opened: nothing fires here any more',
      )
      events.emit('store.replaced', { store: location })
    }
  }

  #roomChanged(isFull: boolean): void {
    const { events, log, store } = this.#options
    const { location } = store.info
    if (isFull) {
      log.error({ store: location }, 'The store has no room: nothing new fires or starts until there is')
      events.emit('store.full', { store: location })
    } else log.info({ store: location }, 'The store has room again')
  }

  #moreWaiting(): void {
    this.#claimRuns.expectMore()
    this.#claimLoop.wake()
  }

  #renewed({ cancel, sessions, load }: HeartbeatAnswer): void {
    this.#clusterLoad = load
    this.#shards.divide(this.#session.id, sessions)
    if (cancel.length > 0)
      this.#attempts.cancel(cancel, new EvertickError('CANCELLED', 'Cancelled on request'))
  }

  #sessionExpired(session: SessionId): void {
    this.#options.log.warn({ session }, 'The session expired before it was renewed; a new one begins')
    this.#session.lose(session)
    this.#keepAlive?.wake()
  }

  #sessionLost(): void {
    const { events, log, name } = this.#options
    log.error(
      { node: name },
      'The session with the store is lost: running handlers are aborted, a new session begins',
    )
    this.#attempts.loseAll()
    events.emit('node.sessionLost', { node: name })
    this.#keepAlive?.wake()
  }

  #unclaimed(task: TaskName, waiting: number): void {
    const { events, log } = this.#options
    log.warn(
      { task, waiting },
      'Runs wait for a task that no living node knows; they are kept for one that does',
    )
    events.emit('task.unclaimed', { task, waiting })
  }

  #recovered(runs: readonly RecoveredRun[]): void {
    const { events, log } = this.#options
    for (const { id, scheduleId, status } of runs) {
      log.warn({ runId: id, status }, 'A run was taken back from a node that died or lost its lease')
      events.emit('run.recovered', { runId: id, scheduleId, status })
    }
    this.#moreWaiting()
  }

  #describe(): NodeDescription {
    const { name, groups, tasks } = this.#options
    return {
      node: name,
      host: hostname(),
      pid: process.pid,
      version: VERSION,
      tzdata: TZDATA,
      groups,
      tasks: [...tasks.keys()],
      ...this.#load!.sample({
        slots: this.#slots.total,
        slotsInUse: this.#slots.inUse,
        latenessMs: this.#fireDue.takeLatenessMs(),
      }),
    }
  }

  /** Whether `done` came within the time. */
  #within(limitMs: number, done: Promise<void>): Promise<boolean> {
    return within(this.#options.clock, limitMs, done)
  }
}
