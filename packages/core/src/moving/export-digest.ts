import { createHash } from 'node:crypto'
import { canonicalJson } from '../domain/json.js'
import type { StoreExport } from '../store/exports.js'

/** How many there are of each kind. */
export type ExportCounts = Readonly<Record<StoreExport['kind'], number>>

const BITS = 128n

/**
 * Tells whether two stores, or a store and a file, hold the same, whatever the order: the sum of a hash of each item's
 * canonical text. When exactly a tombstone goes is left out, for stores count that from their own clocks; so is the
 * revision of all calendars, which is none of one calendar.
 */
export class ExportDigest {
  #sum = 0n
  readonly #counts: Record<StoreExport['kind'], number> = { calendar: 0, run: 0, schedule: 0, tombstone: 0 }

  add(item: StoreExport): void {
    this.#counts[item.kind]++
    const hash = createHash('sha256').update(canonicalText(item)).digest()
    this.#sum = BigInt.asUintN(
      Number(BITS),
      this.#sum + BigInt(`0x${hash.toString('hex', 0, Number(BITS) / 8)}`),
    )
  }

  get counts(): ExportCounts {
    return { ...this.#counts }
  }

  /** 32 hexadecimal digits. */
  get value(): string {
    return this.#sum.toString(16).padStart(Number(BITS) / 4, '0')
  }
}

/** What makes two items the same record. */
export function keyOf(item: StoreExport): string {
  switch (item.kind) {
    case 'calendar':
      return `calendar ${item.name}`
    case 'run':
      return `run ${item.run.id}`
    default:
      return `${item.kind} ${item.id}`
  }
}

function canonicalText(item: StoreExport): string {
  if (item.kind === 'tombstone') return canonicalJson({ ...item, expiresAt: null })
  if (item.kind === 'calendar') return canonicalJson({ ...item, calendarsRevision: null })
  return canonicalJson(item)
}
