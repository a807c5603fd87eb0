import { hash32, type ScheduleId } from '../../domain/ids.js'
import type { StoreSchema } from '../../store/contract.js'
import type { Connection } from './connection.js'
import { NotRejoinedError } from './errors.js'
import type { Script, ScriptName } from './scripts.js'

/** The part of a store whose keys share one hash tag, so that one script can change all of it in one step. */
export class Cell {
  readonly shards: readonly number[]
  /** Hints of this cell are published here. */
  readonly channel: string
  readonly #key: string
  readonly #context: CellContext
  /** The server that knows all that this process saw, by its run id. */
  #server: string
  #rejoining: Promise<boolean> | null = null

  constructor(context: CellContext, prefix: string, shards: readonly number[], server: string) {
    this.shards = shards
    this.channel = `${prefix}hints`
    this.#key = `${prefix}meta`
    this.#context = context
    this.#server = server
  }

  /**
   * One step. What it answers is described at the head of the script.
   * @throws {EvertickError} STORE_UNAVAILABLE, STORE_FULL, STORE_REPLACED, STORE_CLOSED
   */
  async run<Answer>(name: ScriptName, args: unknown): Promise<Answer> {
    try {
      return await this.#run<Answer>(name, args)
    } catch (error) {
      if (!(error instanceof NotRejoinedError)) throw error
      // Nothing was written; where the server goes on now, so does this.
      this.#rejoining ??= this.#rejoin(error.server).finally(() => (this.#rejoining = null))
      if (!(await this.#rejoining)) throw error
      return this.#run<Answer>(name, args)
    }
  }

  async #rejoin(server: string): Promise<boolean> {
    const { agreed, toldTo } = await this.#context.rejoin(this, server, server === this.#server)
    if (toldTo !== null) this.#server = toldTo
    return agreed && toldTo !== null
  }

  async #run<Answer>(name: ScriptName, args: unknown): Promise<Answer> {
    const { connection, scripts, identity } = this.#context
    const script = scripts.get(name)!
    return (await connection.run(script, this.#key, identity, JSON.stringify(args), this.#server)) as Answer
  }
}

export interface CellContext {
  readonly connection: Connection
  readonly scripts: ReadonlyMap<ScriptName, Script>
  readonly identity: string
  /** Tells a server that is new to the store what was seen there before, unless it has been told already. */
  readonly rejoin: (cell: Cell, server: string, isTold: boolean) => Promise<Rejoined>
}

export interface Rejoined {
  /** Whether the store goes on. */
  readonly agreed: boolean
  /** The server that knows everything now, by its run id; `null`: it was another one in between. */
  readonly toldTo: string | null
}

/**
 * All of a store: one cell on a single server, where every verb is one step; on a Redis Cluster one for each shard,
 * which may lie on different servers. What no one schedule owns (calendars, nodes) is kept in the first.
 */
export class Cells {
  readonly all: readonly Cell[]
  readonly shards: number
  readonly schema: StoreSchema

  constructor(all: readonly Cell[], shards: number, schema: StoreSchema) {
    this.all = all
    this.shards = shards
    this.schema = schema
  }

  get first(): Cell {
    return this.all[0]!
  }

  /** Whether there is but one. */
  get isOne(): boolean {
    return this.all.length === 1
  }

  shardOf(id: ScheduleId): number {
    return hash32(id) % this.shards
  }

  of(id: ScheduleId): Cell {
    return this.all[this.shardOf(id) % this.all.length]!
  }

  /** Lets each cell work on the items that are its own; answers in the order of the items. */
  async each<Item, Answer>(
    items: readonly Item[],
    idOf: (item: Item) => ScheduleId,
    work: (cell: Cell, items: readonly Item[]) => Promise<readonly Answer[]>,
  ): Promise<Answer[]> {
    if (items.length === 0) return []
    if (this.isOne) return [...(await work(this.first, items))]
    const places = new Map<Cell, number[]>()
    for (const [place, item] of items.entries()) {
      const cell = this.of(idOf(item))
      const own = places.get(cell)
      if (own === undefined) places.set(cell, [place])
      else own.push(place)
    }
    const answers = Array.from<Answer>({ length: items.length })
    await Promise.all(
      Array.from(places, async ([cell, own]) => {
        const part = await work(
          cell,
          own.map((place) => items[place]!),
        )
        for (const [i, place] of own.entries()) answers[place] = part[i]!
      }),
    )
    return answers
  }

  /** The same step in every cell. */
  everywhere<Answer>(name: ScriptName, args: (cell: Cell) => unknown): Promise<Answer[]> {
    return Promise.all(this.all.map((cell) => cell.run<Answer>(name, args(cell))))
  }
}
