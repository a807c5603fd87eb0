import type { Run } from '@evertick/core'
import type { AttemptLine, LedgerLine } from '../ledger.js'
import type { Entry } from '../timetable.js'

/** All that is known of a fault run afterwards. Times are wall-clock times of the machine. */
export interface Evidence {
  readonly entries: readonly Entry[]
  /** The part of the timetable that must have been kept, both included. */
  readonly from: number
  readonly to: number
  readonly leaseMs: number
  readonly renewMs: number
  readonly runs: readonly Run[]
  readonly ledger: readonly LedgerLine[]
  readonly faults: readonly FaultRecord[]
  readonly edits: readonly Edit[]
  /** How often the store found transactions that waited for each other in a circle, and sacrificed one. */
  readonly deadlocks: number
}

export interface FaultRecord {
  readonly kind: string
  /** With `clock` and `schedules` all has to go on as if it had not happened. */
  readonly befalls: 'node' | 'everything' | 'clock' | 'schedules'
  /** The name of the node that it befell, or `null`. */
  readonly victim: string | null
  /** Whom it befell could not reach the store while it lasted. */
  readonly cutsOff: boolean
  readonly from: number
  readonly to: number
}

/** The input of a schedule had this version when the edit returned. */
export interface Edit {
  readonly schedule: string
  readonly version: number
  readonly at: number
}

/** What the ledger tells of one attempt. */
export interface Attempt extends Pick<AttemptLine, 'run' | 'attempt' | 'fence' | 'node'> {
  readonly fireTime: number
  readonly entry: Entry | undefined
  readonly version: number
  readonly createdAt: number
  readonly startedAt: number
  readonly endedAt: number | null
  readonly answer: 'accepted' | 'refused' | null
}

/** The attempts that began, in the order in which they did. */
export function attemptsOf({ ledger, entries }: Evidence): Attempt[] {
  const byId = new Map(entries.map((entry) => [entry.id, entry]))
  const attempts: Attempt[] = []
  /** By node too: what two nodes did under one fence must not be taken for one attempt. */
  const byKey = new Map<string, { endedAt: number | null; answer: Attempt['answer'] }>()
  for (const line of ledger) {
    if (line.event === 'sessionLost') continue
    const { event, run, attempt, fence, node, at } = line
    const key = `${run} ${fence} ${node}`
    const known = byKey.get(key)
    if (event === 'start') {
      const found = {
        run,
        attempt,
        fence,
        node,
        startedAt: at,
        fireTime: fireTimeOf(run),
        entry: byId.get(scheduleOf(run)),
        version: line.version ?? 0,
        createdAt: line.createdAt ?? at,
        endedAt: null,
        answer: null,
      }
      attempts.push(found)
      byKey.set(key, found)
    } else if (known === undefined) {
      // The body never began: its lease was lost or handed back before.
    } else if (event === 'end') {
      known.endedAt = at
    } else {
      known.answer = event
    }
  }
  return attempts.toSorted((a, b) => a.startedAt - b.startedAt)
}

export function scheduleOf(run: string): string {
  return run.slice(0, run.indexOf('@'))
}

export function fireTimeOf(run: string): number {
  return Number(run.slice(run.indexOf('@') + 1))
}

export function groupBy<Item>(items: Iterable<Item>, key: (item: Item) => string): Map<string, Item[]> {
  const groups = new Map<string, Item[]>()
  for (const item of items) {
    const group = groups.get(key(item))
    if (group === undefined) groups.set(key(item), [item])
    else group.push(item)
  }
  return groups
}
