import { randomUUID } from 'node:crypto'
import { EvertickError } from '../../domain/errors.js'
import { Cell, Cells, type CellContext } from './cells.js'
import type { Connection } from './connection.js'
import { loadScripts } from './scripts.js'
import type { RedisUrl } from './url.js'

const LAYOUT_VERSION = '1'
const SHARDS_ON_ONE_SERVER = 16
const SHARDS_ON_A_CLUSTER = 32

type Found = [identity: string, version: string, shards: string, cells: string, server: string]

/**
 * Makes the namespace of this prefix, or finds the one that is there. Its shards and cells are fixed when it is made.
 * @throws {EvertickError} STORE_VERSION
 */
export async function openNamespace(
  connection: Connection,
  url: RedisUrl,
  rejoin: CellContext['rejoin'],
): Promise<Cells> {
  const scripts = await loadScripts()
  const wantedShards = url.shards ?? (connection.isCluster ? SHARDS_ON_A_CLUSTER : SHARDS_ON_ONE_SERVER)
  const open = async (prefix: string, identity: string, shards: number, cells: number): Promise<Found> =>
    (await connection.run(
      scripts.get('open')!,
      `${prefix}meta`,
      identity,
      LAYOUT_VERSION,
      String(shards),
      String(cells),
    )) as Found
  const first = await open(
    prefixOf(url, 0),
    randomUUID(),
    wantedShards,
    connection.isCluster ? wantedShards : 1,
  )
  const [identity, version] = first
  const [shards, cells] = [Number(first[2]), Number(first[3])]
  if (version !== LAYOUT_VERSION) {
    throw new EvertickError(
      'STORE_VERSION',
      `${connection.location} has layout ${version}, but this release of Evertick knows ${LAYOUT_VERSION}`,
    )
  }
  const servers = [first[4]]
  for (let cell = 1; cell < cells; cell++) {
    const found = await open(prefixOf(url, cell), identity, shards, cells)
    servers.push(found[4])
  }
  const context = { connection, scripts, identity, rejoin }
  const all = Array.from({ length: cells }, (_, number) => {
    const own = Array.from({ length: shards }, (_, shard) => shard).filter(
      (shard) => shard % cells === number,
    )
    return new Cell(context, prefixOf(url, number), own, servers[number]!)
  })
  return new Cells(all, shards)
}

/** What the keys of a cell begin with; the part in braces decides on which server of a cluster they lie. */
function prefixOf({ prefix }: RedisUrl, cell: number): string {
  return `{${prefix}${cell === 0 ? '' : `:${cell}`}}:`
}
