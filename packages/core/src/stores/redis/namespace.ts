import { randomUUID } from 'node:crypto'
import { EvertickError } from '../../domain/errors.js'
import { Cell, Cells, type CellContext } from './cells.js'
import type { Connection } from './connection.js'
import { loadScripts } from './scripts.js'
import type { RedisUrl } from './url.js'

const LAYOUT_VERSION = '2'
const SHARDS_ON_ONE_SERVER = 16
const SHARDS_ON_A_CLUSTER = 32

type Found = [
  identity: string | null,
  version: string,
  shards: string,
  cells: string,
  whole: string | null,
  server: string,
]

/**
 * Makes the namespace of this prefix, or finds the one that is there. Its shards and cells are fixed when it is made.
 * @throws {EvertickError} STORE_VERSION; STORE_REPLACED when a part of what was there is gone.
 */
export async function openNamespace(
  connection: Connection,
  url: RedisUrl,
  rejoin: CellContext['rejoin'],
): Promise<Cells> {
  const scripts = await loadScripts()
  const wantedShards = url.shards ?? (connection.isCluster ? SHARDS_ON_A_CLUSTER : SHARDS_ON_ONE_SERVER)
  const open = async (
    prefix: string,
    identity: string,
    [shards, cells]: readonly [number, number],
    whole = '',
  ): Promise<Found> => {
    const values = [identity, LAYOUT_VERSION, String(shards), String(cells), whole]
    return (await connection.run(scripts.get('open')!, `${prefix}meta`, ...values)) as Found
  }
  const wanted = [wantedShards, connection.isCluster ? wantedShards : 1] as const
  const ours = randomUUID()
  const first = await open(prefixOf(url, 0), ours, wanted)
  const [, version, , , whole] = first
  const identity = first[0]!
  const made = [Number(first[2]), Number(first[3])] as const
  const [shards, cells] = made
  if (version !== LAYOUT_VERSION) {
    throw new EvertickError(
      'STORE_VERSION',
      `${connection.location} has layout ${version}, but this release of Evertick knows ${LAYOUT_VERSION}`,
    )
  }
  const servers = [first[5]]
  for (let cell = 1; cell < cells; cell++) {
    const prefix = prefixOf(url, cell)
    const found = await open(prefix, whole === null ? identity : '', made)
    if (found[0] !== identity) throw partIsGone(connection, prefixOf(url, 0), prefix)
    servers.push(found[5])
  }
  if (whole === null) await open(prefixOf(url, 0), '', made, '1')
  const context = { connection, scripts, identity, rejoin }
  const all = Array.from({ length: cells }, (_, number) => {
    const own = Array.from({ length: shards }, (_, shard) => shard).filter(
      (shard) => shard % cells === number,
    )
    return new Cell(context, prefixOf(url, number), own, servers[number]!)
  })
  const layout = Number(LAYOUT_VERSION)
  return new Cells(all, shards, { found: identity === ours ? null : layout, version: layout })
}

function partIsGone({ location }: Connection, first: string, lost: string): EvertickError {
  return new EvertickError(
    'STORE_REPLACED',
    `The keys ${lost}* of ${location} are gone, and with them a part of the schedules. Restore them from a copy; or, ` +
      `to go on with what is left and make that part anew, run: HDEL ${first}meta whole`,
  )
}

/** What the keys of a cell begin with; the part in braces decides on which server of a cluster they lie. */
function prefixOf({ prefix }: RedisUrl, cell: number): string {
  return `{${prefix}${cell === 0 ? '' : `:${cell}`}}:`
}
