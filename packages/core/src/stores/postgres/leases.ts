import { parseRunId } from '../../domain/ids.js'
import type { Lease } from '../../domain/lease.js'
import type { SqlValue } from './sql.js'
import { idOf, type RunIdentity, type RunRow } from '../sql/rows.js'

/** Leases as a table, of {@link leaseValues}. */
export const LEASES =
  'unnest($1::text[], $2::bigint[], $3::text[], $4::bigint[]) AS lease (schedule_id, fire_time, request_id, fence)'

/** Ids that no run can have are left out. */
export function leaseValues(leases: readonly Lease[]): SqlValue[] {
  const known = leases.flatMap(({ runId, fence }) => {
    const identity = parseRunId(runId)
    return identity === null ? [] : [{ ...identity, fence }]
  })
  return [
    known.map(({ scheduleId }) => scheduleId),
    known.map(({ fireTime }) => fireTime),
    known.map(({ requestId }) => requestId),
    known.map(({ fence }) => fence),
  ]
}

export function leaseKey({ runId, fence }: Lease): string {
  return `${runId} ${fence}`
}

export function leaseKeyOf(row: Pick<RunRow, keyof RunIdentity | 'fence'>): string {
  return `${idOf(row)} ${row.fence}`
}
