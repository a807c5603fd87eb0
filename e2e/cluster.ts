import { join } from 'node:path'
import { PostgresServer, RedisSentinel, RedisServer } from '@evertick/core/testing'
import { ledgerPath, LedgerReader } from './ledger.js'
import { NodeClock } from './node-clock.js'
import { NodeProcess } from './node-process.js'
import { PooledPostgres } from './pooled-postgres.js'
import { TcpProxy } from './tcp-proxy.js'

export const STORES = ['sqlite', 'redis', 'sentinel', 'postgres', 'pgbouncer'] as const
export type StoreKind = (typeof STORES)[number]

export type StoreServer = RedisServer | RedisSentinel | PostgresServer | PooledPostgres

export interface ClusterOptions {
  readonly store: StoreKind
  /** For all that it writes. */
  readonly folder: string
  readonly nodes: number
  readonly lease: { readonly leaseMs: number; readonly renewMs: number }
  /** Gives each node a wall clock of its own: minutes ahead, minutes behind, right, and so on. */
  readonly skewed: boolean
}

/** One node, with all that can be done to it. */
export interface Member {
  readonly name: string
  readonly process: NodeProcess
  readonly ledger: LedgerReader
  /** Its way to a store in the network; not to one that is found out anew by asking sentinels. */
  readonly proxy: TcpProxy | null
  readonly clock: NodeClock | null
}

const OFFSETS = ['+5m', '-5m', '+0']

/** Node processes on one store, each behind a network of its own. */
export class Cluster {
  /** To the store itself, past all faults of the network. */
  readonly url: string
  readonly members: readonly Member[]
  /** What answers there, where the store is no file. */
  readonly server: StoreServer | null

  private constructor(url: string, members: readonly Member[], server: StoreServer | null) {
    this.url = url
    this.members = members
    this.server = server
  }

  /** The store is there; the nodes are not started. */
  static async create(options: ClusterOptions): Promise<Cluster> {
    const { store, folder, nodes } = options
    const server = await startServer(store)
    const url = server?.url ?? `sqlite:${join(folder, 'shared.db')}`
    const members: Member[] = []
    for (let i = 0; i < nodes; i++) members.push(await createMember(i, url, server, options))
    return new Cluster(url, members, server)
  }

  get deadlocks(): number {
    return this.server !== null && 'deadlocks' in this.server ? this.server.deadlocks : 0
  }

  /** Ends whatever still lives, at once. */
  async dispose(): Promise<void> {
    await Promise.all(this.members.map(({ process }) => process.kill()))
    for (const { proxy } of this.members) await proxy?.close()
    await this.server?.stop()
  }
}

function startServer(store: StoreKind): Promise<StoreServer> | null {
  if (store === 'redis') return RedisServer.start()
  if (store === 'sentinel') return RedisSentinel.start()
  if (store === 'postgres') return PostgresServer.start()
  if (store === 'pgbouncer') return PooledPostgres.start()
  return null
}

async function createMember(
  index: number,
  url: string,
  server: StoreServer | null,
  { folder, lease, skewed }: ClusterOptions,
): Promise<Member> {
  const name = `node-${index + 1}`
  const proxy = server === null || server instanceof RedisSentinel ? null : await TcpProxy.start(server.port)
  const clock = skewed
    ? await NodeClock.create(join(folder, `${name}.clock`), OFFSETS[index % OFFSETS.length]!)
    : null
  const ledger = ledgerPath(folder, name)
  const process = new NodeProcess({
    name,
    store: proxy === null ? url : url.replace(`:${server!.port}`, `:${proxy.port}`),
    lease,
    ledger,
    log: join(folder, `${name}.log`),
    env: clock?.env ?? {},
  })
  return { name, process, ledger: new LedgerReader(ledger), proxy, clock }
}
