import { EvertickError } from '../domain/errors.js'
import { systemClock } from '../domain/clock.js'
import type { Health, SchedulerEvents } from '../domain/events.js'
import { silentLogger } from '../domain/logger.js'
import type { NodeId, TaskName } from '../domain/ids.js'
import type { Task } from '../domain/task.js'
import { Events } from '../engine/events.js'
import { LocalKeepAlive, type KeepAlive, type KeepAliveOptions } from '../engine/keep-alive.js'
import { Node } from '../engine/node.js'
import { heartbeatThreadFile, KeepAliveThread } from '../heartbeat/keep-alive-thread.js'
import type { NodeRecord, Store } from '../store/contract.js'
import { openStore, urlForThreads } from '../stores/open-store.js'
import { Calendars } from './calendars.js'
import { Campaign } from './leader.js'
import { LOCK_TTL } from './lock-request.js'
import { StoreLocks } from './locks.js'
import { completeOptions, type CompleteOptions } from './options.js'
import { Runs } from './runs.js'
import { Schedules } from './schedules.js'
import type { CalendarClient, RunClient, ScheduleClient, Scheduler, SchedulerOptions } from './types.js'

/**
 * Opens the store and makes a node on it. Nothing fires before `start`; without it, schedules and runs can be
 * read and edited all the same.
 * @throws {InvalidError} INVALID_OPTION, naming every option that is wrong.
 * @throws {EvertickError} STORE_UNREADABLE, STORE_VERSION, STORE_UNAVAILABLE
 */
export async function createScheduler(options: SchedulerOptions): Promise<Scheduler> {
  const complete = completeOptions(options)
  const clock = options.clock ?? systemClock
  const random = options.random ?? Math.random
  const log = options.log ?? silentLogger
  const ownsStore = typeof options.store === 'string'
  const store =
    typeof options.store === 'string' ? await openStore(options.store, { clock, random }) : options.store
  const events = new Events<SchedulerEvents>(log)
  const keepAlive = (duties: KeepAliveOptions): KeepAlive => keepAliveOf(options, store, duties)
  const node = new Node({ ...complete, store, keepAlive, events, log, clock, random })
  const locks = new StoreLocks({ store, holder: complete.name, clock, random, log })
  const ttlMs = Math.min(complete.timing.leaseMs, LOCK_TTL.mostMs)
  return new LocalScheduler(
    complete,
    store,
    ownsStore,
    events,
    node,
    new Schedules(store, complete.tasks, clock),
    new Runs(store, complete.tasks, clock),
    locks,
    new Campaign({ node: complete.name, locks, ttlMs, clock, random, log }),
  )
}

/** The session is renewed from a thread of its own where that can open the same store, and has the same clock. */
function keepAliveOf(options: SchedulerOptions, store: Store, duties: KeepAliveOptions): KeepAlive {
  const url = typeof options.store === 'string' ? urlForThreads(options.store) : null
  if (url === null || options.clock !== undefined) return new LocalKeepAlive(store, duties)
  const file = heartbeatThreadFile()
  if (file !== null) return new KeepAliveThread(file, url, duties)
  duties.log.warn(
    {},
    "The heartbeat's own thread is missing, as after bundling: a handler must not block for longer than its lease",
  )
  return new LocalKeepAlive(store, duties)
}

class LocalScheduler implements Scheduler {
  readonly store: Store
  readonly schedules: ScheduleClient
  readonly runs: RunClient
  readonly calendars: CalendarClient
  readonly locks: StoreLocks
  readonly leader: Campaign
  readonly #options: CompleteOptions
  readonly #ownsStore: boolean
  readonly #events: Events<SchedulerEvents>
  readonly #node: Node
  #started = false
  #stopped: Promise<void> | null = null

  constructor(
    options: CompleteOptions,
    store: Store,
    ownsStore: boolean,
    events: Events<SchedulerEvents>,
    node: Node,
    schedules: Schedules,
    runs: Runs,
    locks: StoreLocks,
    leader: Campaign,
  ) {
    this.#options = options
    this.store = store
    this.#ownsStore = ownsStore
    this.#events = events
    this.#node = node
    this.schedules = schedules
    this.runs = runs
    this.calendars = new Calendars(store, schedules)
    this.locks = locks
    this.leader = leader
  }

  get node(): NodeId {
    return this.#options.name
  }

  get tasks(): ReadonlyMap<TaskName, Task> {
    return this.#options.tasks
  }

  // Async for symmetry with `stop`, and because a store over the network will greet its node first.
  async start(): Promise<void> {
    if (this.#stopped !== null) {
      throw new EvertickError(
        'ILLEGAL_STATE',
        'This scheduler was stopped and cannot start again; create a new one',
      )
    }
    if (this.#started) return
    this.#started = true
    this.#node.start()
    this.leader.start()
  }

  stop(options: { graceMs?: number } = {}): Promise<void> {
    this.#stopped ??= this.#stop(options.graceMs ?? this.#options.stopGraceMs)
    return this.#stopped
  }

  async #stop(graceMs: number): Promise<void> {
    await Promise.all([
      this.leader.stop(graceMs),
      this.locks.settle(graceMs),
      this.#started ? this.#node.stop(graceMs) : null,
    ])
    // Last, for the handlers that ended meanwhile may have needed theirs.
    await this.locks.stop()
    if (this.#ownsStore) await this.store.close()
  }

  on<Type extends keyof SchedulerEvents>(
    type: Type,
    listener: (event: SchedulerEvents[Type]) => void,
  ): () => void {
    return this.#events.on(type, listener)
  }

  health(): Promise<Health> {
    return this.#node.health()
  }

  listNodes(): Promise<NodeRecord[]> {
    return this.store.listNodes()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }
}
