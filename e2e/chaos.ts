// npm run chaos -- [--store sqlite|redis|sentinel|postgres|pgbouncer] [--seconds 60] [--nodes 3] [--schedules 200] [--lease 10000] [--faults kill,…]
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Spread } from './checker/timing.js'
import { problemsOf } from './checker/examine.js'
import { STORES, type StoreKind } from './cluster.js'
import { faultRun, type FaultRunReport } from './fault-run.js'
import { faultsOf, type Fault } from './faults.js'

const SHOWN = 10
const NUMBERS = ['seconds', 'nodes', 'schedules', 'lease'] as const

const { values } = parseArgs({
  options: {
    store: { type: 'string', default: 'sqlite' },
    seconds: { type: 'string', default: '60' },
    nodes: { type: 'string', default: '3' },
    schedules: { type: 'string', default: '200' },
    lease: { type: 'string', default: '10000' },
    faults: { type: 'string' },
  },
})

function refuse(option: string, rule: string, value: string): never {
  console.error(`--${option} must be ${rule}, but is ${value}`)
  process.exit(2)
}

function storeKind(): StoreKind {
  const store = STORES.find((kind) => kind === values.store)
  return store ?? refuse('store', STORES.join(', '), values.store)
}

/** All that the store knows, unless some are named; `none` to see what is usual. */
function faultKinds(store: StoreKind): Fault[] {
  const known = faultsOf(store)
  if (values.faults === undefined) return known
  if (values.faults === 'none') return []
  return values.faults.split(',').map((name) => {
    const fault = known.find((kind) => kind === name)
    return fault ?? refuse('faults', `none, or of ${known.join(', ')} over ${store}`, name)
  })
}

function numbers(): Record<(typeof NUMBERS)[number], number> {
  const read = NUMBERS.map((name) => {
    const value = Number(values[name])
    if (!Number.isInteger(value) || value < 1) refuse(name, 'a whole number above 0', values[name])
    return [name, value] as const
  })
  return Object.fromEntries(read) as Record<(typeof NUMBERS)[number], number>
}

function spreadText({ count, p50, p99, max }: Spread): string {
  return count === 0 ? 'none' : `${p50} / ${p99} / ${max} ms (${count})`
}

function table({ fireTimes, attempts, interrupted, faults, broken, slow, measures }: FaultRunReport): void {
  const rows: [string, string | number][] = [
    ['fire times', fireTimes],
    ['attempts', attempts],
    ['attempts without an accepted outcome', interrupted],
    ['faults', faults.length],
    ['lateness outside of faults, p50 / p99 / max', spreadText(measures.latenessOutside)],
    ['lateness inside', spreadText(measures.latenessInside)],
    ['takeover', spreadText(measures.takeover)],
    ['first fire after the return of the store', spreadText(measures.return)],
    ...Object.entries({ ...broken, ...slow }).map(([kind, problems]): [string, number] => [
      wordsOf(kind),
      problems.length,
    ]),
  ]
  const width = Math.max(...rows.map(([name]) => name.length))
  for (const [name, value] of rows) console.log(`  ${name.padEnd(width)}  ${value}`)
}

/** `staleAccepted` is `stale accepted`. */
function wordsOf(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
}

async function main(): Promise<number> {
  const store = storeKind()
  const faults = faultKinds(store)
  const { seconds, nodes, schedules, lease } = numbers()
  const folder = await mkdtemp(join(tmpdir(), 'evertick-chaos-'))
  const began = performance.now()
  const report = await faultRun({
    store,
    folder,
    nodes,
    schedules,
    seconds,
    faults,
    leaseMs: lease,
    everyMs: 1000,
    pauseBetweenMs: 2000,
    told: (line) => console.log(`${((performance.now() - began) / 1000).toFixed(1).padStart(7)} s  ${line}`),
  })
  console.log()
  table(report)
  const problems = [...problemsOf(report.broken), ...problemsOf(report.slow)]
  for (const name of report.leftBehind) problems.push(`${name} stopped gracefully and left a session behind`)
  if (report.exitCodes.some((code) => code !== 0)) problems.push(`Exit codes: ${report.exitCodes.join(', ')}`)
  if (problems.length === 0) {
    await rm(folder, { recursive: true })
    return 0
  }
  console.error()
  for (const problem of problems.slice(0, SHOWN)) console.error(problem)
  if (problems.length > SHOWN) console.error(`… and ${problems.length - SHOWN} more`)
  await writeFile(join(folder, 'report.json'), JSON.stringify(report, null, 2))
  console.error(`The report, and ledgers and logs of the nodes, are in ${folder}`)
  return 1
}

process.exitCode = await main()
