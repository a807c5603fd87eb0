import assert from 'node:assert/strict'
import type { RunId, SessionId, TaskName } from '../../domain/ids.js'
import type { ClaimedRun, Dispatch, Heartbeat, HeartbeatAnswer, Store } from '../../store/contract.js'

/** The task that every schedule and node of the suite has unless it says otherwise. */
export const TASK = 'task'

export interface TestNodeOptions {
  readonly store?: Store
  readonly session?: SessionId
  /** Long enough for a slow machine unless a test wants it to expire. @default 10000 */
  readonly leaseMs?: number
  readonly tasks?: readonly TaskName[]
  readonly groups?: readonly string[]
}

export interface DispatchOptions {
  readonly requestId?: string
  /** @default 100 */
  readonly slots?: number
  /** Each with as many slots as the node has, unless it says otherwise. @default the node's tasks */
  readonly tasks?: Readonly<Record<TaskName, { slots?: number; clusterLimit?: number }>>
  readonly groups?: readonly string[]
}

/** The version of the time zone database that every node of the suite tells. */
export const TZDATA = '2026a'

let sessions = 0
let requests = 0

/** A node as a store sees it: a session that beats and asks for work. It runs nothing. */
export class TestNode {
  readonly session: SessionId
  readonly store: Store
  readonly #beat: Heartbeat

  static async join(store: Store, name: string, options: TestNodeOptions = {}): Promise<TestNode> {
    const node = new TestNode(store, name, options)
    await node.beat()
    return node
  }

  private constructor(store: Store, name: string, options: TestNodeOptions) {
    this.store = store
    this.session = options.session ?? `session-${name}-${sessions++}`
    this.#beat = {
      session: this.session,
      node: name,
      host: 'host.example',
      pid: 42,
      version: '1.2.3',
      tzdata: TZDATA,
      groups: options.groups ?? ['default'],
      tasks: options.tasks ?? [TASK],
      slots: 100,
      slotsInUse: 0,
      eventLoopDelayMs: 1.5,
      cpu: 0.25,
      memoryBytes: 1_000_000,
      latenessMs: 12,
      load: 0.25,
      leaseMs: options.leaseMs ?? 10_000,
    }
  }

  beat(changes: Partial<Heartbeat> = {}): Promise<HeartbeatAnswer> {
    return this.store.heartbeat({ ...this.#beat, ...changes })
  }

  leave(): Promise<void> {
    return this.store.leave(this.session)
  }

  dispatch(options: DispatchOptions = {}): Dispatch {
    const slots = options.slots ?? 100
    const tasks: NonNullable<DispatchOptions['tasks']> =
      options.tasks ?? Object.fromEntries(this.#beat.tasks.map((task) => [task, {}]))
    return {
      session: this.session,
      leaseMs: this.#beat.leaseMs,
      node: this.#beat.node,
      requestId: options.requestId ?? `dispatch-${requests++}`,
      slots,
      groups: options.groups ?? this.#beat.groups,
      tasks: new Map(
        Object.entries(tasks).map(([task, capacity]) => [
          task,
          { slots: capacity.slots ?? slots, clusterLimit: capacity.clusterLimit ?? null },
        ]),
      ),
    }
  }

  claim(options: DispatchOptions = {}): Promise<ClaimedRun[]> {
    return this.store.claim(this.dispatch(options))
  }

  async claimedIds(options: DispatchOptions = {}): Promise<RunId[]> {
    return (await this.claim(options)).map((lease) => lease.runId)
  }

  /** Leases the one run that is ready. */
  async claimOne(options: DispatchOptions = {}): Promise<ClaimedRun> {
    const leases = await this.claim(options)
    assert.equal(leases.length, 1, `one run should be ready, ${leases.length} were leased`)
    return leases[0]!
  }
}
