import type { Fence } from '../../domain/lease.js'
import type {
  LockAnswer,
  LockClaim,
  LockQuery,
  LockRecord,
  LockRenewal,
  LockRequest,
  Page,
} from '../../store/contract.js'
import { decodeCursor, encodeCursor } from '../../store/cursor.js'
import { LOCK_REMEMBERED_MS } from '../../store/periods.js'
import type { Cells } from './cells.js'

type AcquireAnswer =
  | readonly ['acquired', fence: string, heldUntil: string]
  | readonly ['held', holder: string, freeInMs: string]

type LockRow = readonly [
  name: string,
  holder: string,
  fence: string,
  acquiredAt: string,
  heldUntil: string,
  waiting: number,
]

/** Each lock lies in the cell that its name decides on, with its queue. */
export class Locks {
  readonly #cells: Cells

  constructor(cells: Cells) {
    this.#cells = cells
  }

  async acquire(request: LockRequest): Promise<LockAnswer> {
    const { name, owner, holder, ttlMs, queueMs } = request
    const [outcome, ...details] = await this.#cells.of(name).run<AcquireAnswer>('acquire-lock', {
      name,
      owner,
      holder,
      ttlMs,
      queueMs,
      rememberedMs: LOCK_REMEMBERED_MS,
    })
    if (outcome === 'acquired') {
      return { outcome, fence: Number(details[0]) as Fence, heldUntil: Number(details[1]) }
    }
    return { outcome, holder: details[0] === '' ? null : details[0], freeInMs: Number(details[1]) }
  }

  async renew({ name, owner, fence, ttlMs }: LockRenewal): Promise<boolean> {
    const args = { name, owner, fence: String(fence), ttlMs, rememberedMs: LOCK_REMEMBERED_MS }
    return (await this.#cells.of(name).run<number>('renew-lock', args)) === 1
  }

  async release({ name, owner }: LockClaim): Promise<boolean> {
    return (await this.#cells.of(name).run<number>('release-lock', { name, owner })) === 1
  }

  async list({ prefix, limit, cursor }: LockQuery): Promise<Page<LockRecord>> {
    const after = cursor === undefined ? false : decodeCursor(cursor, ['string'])[0]!
    const pages = await this.#cells.everywhere<LockRow[]>('list-locks', () => ({
      after,
      prefix: prefix ?? false,
      limit: limit + 1,
    }))
    const rows = pages.flat()
    if (pages.length > 1) rows.sort(([a], [b]) => (a < b ? -1 : 1))
    const items = rows.slice(0, limit).map(recordOf)
    return { items, nextCursor: rows.length > limit ? encodeCursor([items.at(-1)!.name]) : null }
  }
}

function recordOf([name, holder, fence, acquiredAt, heldUntil, waiting]: LockRow): LockRecord {
  return {
    name,
    holder,
    fence: Number(fence) as Fence,
    acquiredAt: Number(acquiredAt),
    heldUntil: Number(heldUntil),
    waiting,
  }
}
