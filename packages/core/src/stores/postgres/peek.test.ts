import pg from 'pg'
import { expect, test } from 'vitest'
import { PostgresServer } from '../../testing/servers/postgres-server.js'
import { PEEK, peekValues } from './peek.js'
import { PostgresStore } from './postgres-store.js'

interface Plan {
  'Node Type': string
  'Relation Name'?: string
  'Index Cond'?: string
  Plans?: Plan[]
}

function scansOf(plan: Plan, table: string): Plan[] {
  const below = (plan.Plans ?? []).flatMap((each) => scansOf(each, table))
  return plan['Relation Name'] === table ? [plan, ...below] : below
}

test('looking for what is due is a walk along the index, from the first that is due to the last', async () => {
  const server = await PostgresServer.start()
  const store = await PostgresStore.open(server.url)
  const operator = new pg.Client(server.url)
  try {
    await operator.connect()
    await operator.query(`
      INSERT INTO evertick.schedules (id, shard, revision, state, fire_time, due_at, fires, failures)
      SELECT 's' || n, n % 16, 1, 'active', n, n, 0, 0 FROM generate_series(1, 20000) n;
      ANALYZE evertick.schedules;
      SET plan_cache_mode = force_generic_plan`)
    await operator.query(`PREPARE peek AS ${PEEK.replaceAll('@', 'evertick.')}`)
    const values = peekValues(100, [0, 1], 0).map((value) =>
      Array.isArray(value) ? `'{${value.join(',')}}'` : String(value),
    )
    const { rows } = await operator.query<{ 'QUERY PLAN': [{ Plan: Plan }] }>(
      `EXPLAIN (FORMAT JSON) EXECUTE peek (${values.join(',')})`,
    )
    const scans = scansOf(rows[0]!['QUERY PLAN'][0].Plan, 'schedules')
    expect(scans).toHaveLength(4)
    for (const scan of scans) {
      expect(scan['Node Type']).toMatch(/^Index (Only )?Scan$/)
      expect(scan['Index Cond']).toMatch(/shard = .*due_at [<>]/)
    }
  } finally {
    await operator.end()
    await store.close()
    await server.stop()
  }
})
