// npm run chaos -- [--store sqlite] [--seconds 60] [--nodes 3] [--schedules 200]
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { problemsOf } from './checker.js'
import { FAULTS, faultRun } from './fault-run.js'

const SHOWN = 20

const { values } = parseArgs({
  options: {
    store: { type: 'string', default: 'sqlite' },
    seconds: { type: 'string', default: '60' },
    nodes: { type: 'string', default: '3' },
    schedules: { type: 'string', default: '200' },
  },
})

async function main(): Promise<number> {
  if (values.store !== 'sqlite') {
    console.error(`--store must be sqlite, the only shared store of this release, but is ${values.store}`)
    return 2
  }
  const [seconds, nodes, schedules] = (['seconds', 'nodes', 'schedules'] as const).map((name) =>
    Number(values[name]),
  )
  for (const [name, value] of Object.entries({ seconds, nodes, schedules })) {
    if (!Number.isInteger(value) || value! < 1) {
      console.error(`--${name} must be a whole number above 0, but is ${values[name as 'seconds']}`)
      return 2
    }
  }
  const folder = await mkdtemp(join(tmpdir(), 'evertick-chaos-'))
  const began = performance.now()
  try {
    const report = await faultRun({
      store: `sqlite:${join(folder, 'shared.db')}`,
      ledger: join(folder, 'ledger.jsonl'),
      nodes: nodes!,
      schedules: schedules!,
      seconds: seconds!,
      faults: FAULTS,
      pauseBetweenMs: 2000,
      told: (line) =>
        console.log(`${((performance.now() - began) / 1000).toFixed(1).padStart(7)} s  ${line}`),
    })
    const problems = problemsOf(report)
    console.table({
      'fire times': report.fireTimes,
      attempts: report.attempts,
      faults: report.faults,
      missing: report.missing.length,
      doubled: report.doubled.length,
      'off the grid': report.offGrid.length,
      'not succeeded': report.unsuccessful.length,
      'wrong starts': report.wrongStarts.length,
      'stale writes accepted': report.staleAccepted.length,
      'lateness p50, ms': report.lateness.p50,
      'lateness p99, ms': report.lateness.p99,
      'lateness max, ms': report.lateness.max,
    })
    for (const problem of problems.slice(0, SHOWN)) console.error(problem)
    if (problems.length > SHOWN) console.error(`… and ${problems.length - SHOWN} more`)
    return problems.length === 0 && report.leftBehind.length === 0 ? 0 : 1
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

process.exitCode = await main()
