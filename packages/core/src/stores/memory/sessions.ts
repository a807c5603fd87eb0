import type { EpochMs } from '../../domain/clock.js'
import { SessionExpiredError } from '../../domain/errors.js'
import type { RunId, SessionId, TaskName } from '../../domain/ids.js'
import type { ClaimedRun, Heartbeat, NodeInfo, NodeRecord } from '../../store/contract.js'
import type { StoreClock } from '../../store/store-clock.js'
import { HELD_RUNS_LISTED, LISTED_FOR_MS } from '../../store/periods.js'

/** A node repeats a request only while it has not got the answer, and has few of them under way at once. */
const REMEMBERED_REQUESTS = 64

/** One incarnation of a node. */
class Session {
  readonly startedAt: EpochMs
  lastBeatAt: EpochMs
  leaseUntil: EpochMs
  left = false
  info: NodeInfo
  readonly #answers = new Map<string, readonly ClaimedRun[]>()

  constructor(info: NodeInfo, now: EpochMs) {
    this.info = info
    this.startedAt = now
    this.lastBeatAt = now
    this.leaseUntil = now
  }

  /** What was leased to this request before; `null` for a new one. */
  answered(requestId: string): readonly ClaimedRun[] | null {
    return this.#answers.get(requestId) ?? null
  }

  remember(requestId: string, claimed: readonly ClaimedRun[]): void {
    this.#answers.set(requestId, claimed)
    if (this.#answers.size <= REMEMBERED_REQUESTS) return
    const [oldest] = this.#answers.keys()
    this.#answers.delete(oldest!)
  }
}

/** Nodes and their sessions. A lease lives as long as the session that holds it, so one entry renews them all. */
export class Sessions {
  readonly #sessions = new Map<SessionId, Session>()
  readonly #clock: StoreClock

  constructor(clock: StoreClock) {
    this.#clock = clock
  }

  /** @throws {SessionExpiredError} */
  beat({ leaseMs, ...told }: Heartbeat): void {
    const now = this.#clock.now()
    const info = structuredClone(told)
    const session = this.#sessions.get(info.session) ?? new Session(info, now)
    if (this.#sessions.has(info.session)) this.live(info.session)
    else this.#sessions.set(info.session, session)
    session.info = info
    session.lastBeatAt = now
    session.leaseUntil = now + leaseMs
  }

  /** @throws {SessionExpiredError} for one that is unknown, has left, or was not renewed in time. */
  live(id: SessionId): Session {
    const session = this.#sessions.get(id)
    if (session === undefined || session.leaseUntil <= this.#clock.now()) throw new SessionExpiredError(id)
    return session
  }

  isLive(id: SessionId): boolean {
    const session = this.#sessions.get(id)
    return session !== undefined && session.leaseUntil > this.#clock.now()
  }

  alive(): SessionId[] {
    return [...this.#sessions.keys()].filter((id) => this.isLive(id))
  }

  /** The mean of those alive, of which there must be one. */
  load(): number {
    const alive = this.alive()
    return alive.reduce((sum, id) => sum + this.#sessions.get(id)!.info.load, 0) / alive.length
  }

  leave(id: SessionId): void {
    const session = this.#sessions.get(id)
    if (session === undefined || !this.isLive(id)) return
    session.leaseUntil = this.#clock.now()
    session.left = true
  }

  /** `heldBy` knows the runs of a session. */
  list(heldBy: (session: SessionId) => ReadonlySet<RunId>): NodeRecord[] {
    this.#forgetLongGone()
    return Array.from(this.#sessions.values(), ({ info, left, startedAt, lastBeatAt, leaseUntil }) => ({
      ...structuredClone(info),
      alive: this.isLive(info.session),
      left,
      startedAt,
      lastBeatAt,
      leaseUntil,
      runsHeld: heldBy(info.session).size,
      heldRuns: [...heldBy(info.session)].slice(0, HELD_RUNS_LISTED),
    }))
  }

  /** The tasks that some live node knows. */
  knownTasks(): Set<TaskName> {
    const live = [...this.#sessions.values()].filter(({ info }) => this.isLive(info.session))
    return new Set(live.flatMap(({ info }) => info.tasks))
  }

  #forgetLongGone(): void {
    const gone = this.#clock.now() - LISTED_FOR_MS
    for (const [id, { leaseUntil }] of this.#sessions) if (leaseUntil <= gone) this.#sessions.delete(id)
  }
}
