import type { ScheduleId } from '../../domain/ids.js'
import type { Transaction } from './transaction.js'

interface Count {
  /** Ready, delayed or held. */
  going: number
  blocked: number
}

/** How many runs of held schedules are open, with those that are being created. */
export class OpenRuns {
  readonly #counts: ReadonlyMap<ScheduleId, Count>

  private constructor(counts: ReadonlyMap<ScheduleId, Count>) {
    this.#counts = counts
  }

  /** Where nobody asks. */
  static readonly none = new OpenRuns(new Map())

  static async of(tx: Transaction, ids: readonly ScheduleId[]): Promise<OpenRuns> {
    const counts = new Map(ids.map((id): [ScheduleId, Count] => [id, { going: 0, blocked: 0 }]))
    const rows = await tx.rows<{ id: ScheduleId } & Count>(
      `SELECT schedule_id AS id, count(*) FILTER (WHERE queue <> 3) AS going, count(*) FILTER (WHERE queue = 3) AS blocked
       FROM @runs WHERE queue > 0 AND schedule_id = ANY ($1::text[]) GROUP BY schedule_id`,
      [[...counts.keys()]],
    )
    for (const { id, going, blocked } of rows) counts.set(id, { going, blocked })
    return new OpenRuns(counts)
  }

  count(id: ScheduleId): Readonly<Count> {
    return this.#counts.get(id)!
  }

  add(id: ScheduleId, as: keyof Count): void {
    const count = this.#counts.get(id)
    if (count !== undefined) count[as]++
  }

  /** After the waiting ones were cancelled. */
  reset(id: ScheduleId, anyRunning: boolean): void {
    const count = this.#counts.get(id)!
    count.going = anyRunning ? 1 : 0
    count.blocked = 0
  }
}
