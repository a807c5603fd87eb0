import { setTimeout as sleep } from 'node:timers/promises'
import type { PostgresServer, RedisSentinel, RedisServer } from '@evertick/core/testing'
import { Backends } from './backends.js'
import type { FaultRecord } from './checker/evidence.js'
import type { Cluster, Member, StoreKind } from './cluster.js'
import type { Editor } from './editor.js'
import { monotonicMs } from './shared-clock.js'
import type { PooledPostgres } from './pooled-postgres.js'
import type { Successor } from './successor.js'
import type { ProxyMode } from './tcp-proxy.js'

export interface Scene {
  readonly cluster: Cluster
  /** Has a run in flight at this moment. */
  readonly victim: Member
  /** Whether it lasts clearly longer than the lease, or clearly shorter; `lastMs` is how long. */
  readonly isLong: boolean
  readonly lastMs: number
  /** How often this fault has been injected before. */
  readonly count: number
  readonly editor: Editor
  readonly successor: Successor
}

export interface FaultKind {
  /** Stores that it can be injected with. */
  readonly stores: readonly StoreKind[]
  /** What it befalls. */
  readonly befalls: FaultRecord['befalls']
  /** Whom it befalls cannot reach the store while it lasts. */
  readonly cutsOff: boolean
  /** Answers what has to be done when it is over. */
  readonly inject: (scene: Scene) => Promise<void | (() => Promise<void>)>
}

const ALL: readonly StoreKind[] = ['sqlite', 'redis', 'sentinel', 'postgres', 'pgbouncer']
const SERVERS: readonly StoreKind[] = ['redis', 'sentinel', 'postgres', 'pgbouncer']
/** Whose nodes are each behind a network of their own. */
const NETWORKS: readonly StoreKind[] = ['redis', 'postgres', 'pgbouncer']
const POSTGRES: readonly StoreKind[] = ['postgres', 'pgbouncer']

const LATENCY_MS = 200
/** So long before it dies what a master acknowledges reaches no replica. */
const LOST_MS = 500
/** Time enough for a step, also for one that makes up for an outage. */
const TERMINATE_EVERY_MS = 500
const JUMPS = ['-5m', '+5m', '+1h', '-1h', '+0', '+1d']

const network = (cutsOff: boolean, mode: ProxyMode): FaultKind => ({
  stores: NETWORKS,
  befalls: 'node',
  cutsOff,
  async inject({ victim, lastMs }) {
    victim.proxy!.set(mode)
    await sleep(lastMs)
    victim.proxy!.set({ kind: 'pass' })
  },
})

async function withBackends({ url }: Cluster, work: (backends: Backends) => Promise<void>): Promise<void> {
  const backends = await Backends.of(url)
  try {
    await work(backends)
  } finally {
    await backends.close()
  }
}

export const FAULTS = {
  /** kill -9, and started again. */
  kill: {
    stores: ALL,
    befalls: 'node',
    cutsOff: true,
    async inject({ victim, lastMs }) {
      await victim.process.kill()
      victim.ledger.forget()
      await sleep(lastMs)
      await victim.process.start()
    },
  },
  /** Stopped, and let go on. */
  freeze: {
    stores: ALL,
    befalls: 'node',
    cutsOff: true,
    async inject({ victim, lastMs }) {
      victim.process.freeze()
      await sleep(lastMs)
      victim.process.thaw()
    },
  },
  /** SIGTERM and started again, one node after the other. */
  restart: {
    stores: ALL,
    befalls: 'everything',
    cutsOff: false,
    async inject({ cluster }) {
      for (const { name, process } of cluster.members) {
        const code = await process.stop()
        if (code !== 0) throw new Error(`${name} was stopped gracefully and ended with ${code}`)
        await process.start()
      }
    },
  },
  /** Every schedule is changed, in what does not move its fire times: turn by turn its input and its policy. */
  edit: {
    stores: ALL,
    befalls: 'schedules',
    cutsOff: false,
    inject: ({ editor }) => editor.editAll(),
  },
  /** A schedule is deleted with all its runs, and made anew with fire times that it has had. */
  recreate: {
    stores: ALL,
    befalls: 'schedules',
    cutsOff: false,
    inject: ({ successor, count }) => successor.replaceOne(count),
  },
  blackhole: network(true, { kind: 'blackhole' }),
  half: network(true, { kind: 'half' }),
  latency: network(false, { kind: 'latency', ms: LATENCY_MS }),
  /** Connections are reset: once, or again and again for longer than the lease. */
  reset: {
    ...network(true, { kind: 'reset', refuse: true }),
    async inject(scene) {
      if (scene.isLong) await network(true, { kind: 'reset', refuse: true }).inject(scene)
      else scene.victim.proxy!.set({ kind: 'reset', refuse: false })
    },
  },
  /** kill -9 of the server, which is started again with what it had written. */
  'redis-kill': {
    stores: ['redis'],
    befalls: 'everything',
    cutsOff: true,
    async inject({ cluster, lastMs }) {
      const server = cluster.server as RedisServer
      await server.kill()
      await sleep(lastMs)
      await server.restart()
    },
  },
  /** kill -9 of the master: its replica takes over, in every other round without what was written in the last moment. */
  'redis-failover': {
    stores: ['sentinel'],
    befalls: 'everything',
    cutsOff: true,
    async inject({ cluster, count }) {
      const server = cluster.server as RedisSentinel
      await server.failOver(count % 2 === 0 ? LOST_MS : 0)
      return () => server.recover()
    },
  },
  /** An immediate shutdown, or kill -9 of its first process; started again with what it had written. */
  'pg-kill': {
    stores: POSTGRES,
    befalls: 'everything',
    cutsOff: true,
    async inject({ cluster, count, lastMs }) {
      const server = cluster.server as PostgresServer | PooledPostgres
      await (count % 2 === 0 ? server.kill() : server.crash())
      await sleep(lastMs)
      await server.restart()
    },
  },
  /** The server ends all sessions of all nodes while one is in the midst of a transaction, again and again. */
  'pg-terminate': {
    stores: POSTGRES,
    befalls: 'everything',
    cutsOff: false,
    inject: ({ cluster, lastMs }) =>
      withBackends(cluster, async (backends) => {
        const until = monotonicMs() + lastMs
        while (monotonicMs() < until) {
          await backends.terminate()
          await sleep(TERMINATE_EVERY_MS)
        }
      }),
  },
  /** Stopped in the midst of a transaction, which the server ends by `idle_in_transaction_session_timeout`. Not behind a pooler, which does not say whose it is. */
  'pg-freeze': {
    stores: ['postgres'],
    befalls: 'node',
    cutsOff: true,
    inject: ({ cluster, victim, lastMs }) =>
      withBackends(cluster, async (backends) => {
        await backends.freezeInTransaction(victim)
        await sleep(lastMs)
        victim.process.thaw()
      }),
  },
  /** The wall clock of the node jumps. Not over SQLite, whose clock is that of the machine. */
  skew: {
    stores: SERVERS,
    befalls: 'clock',
    cutsOff: false,
    inject: ({ victim, count }) => victim.clock!.set(JUMPS[count % JUMPS.length]!),
  },
} satisfies Record<string, FaultKind>

export type Fault = keyof typeof FAULTS

/** All that can befall a cluster on this store. */
export function faultsOf(store: StoreKind): Fault[] {
  return (Object.keys(FAULTS) as Fault[]).filter((name) => FAULTS[name].stores.some((kind) => kind === store))
}
