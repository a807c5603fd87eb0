// npm run bench: every measurement, one after the other, each in a process of its own.
import { spawnSync } from 'node:child_process'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'

const RUNS = [
  ['One second each of 1,000 schedules on SQLite', 'throughput.mjs', '--schedules', '1000'],
  ['One second each of 10,000 schedules on SQLite', 'throughput.mjs', '--schedules', '10000'],
  ['One second each of 25,000 schedules on SQLite', 'throughput.mjs', '--schedules', '25000'],
  [
    'One second each of 10,000 schedules in memory',
    'throughput.mjs',
    '--schedules',
    '10000',
    '--store',
    'memory:',
  ],
  [
    'One second each of 10,000 schedules on Redis',
    'throughput.mjs',
    '--schedules',
    '10000',
    '--store',
    'redis',
  ],
  [
    'One second each of 1,000 schedules on PostgreSQL',
    'throughput.mjs',
    '--schedules',
    '1000',
    '--store',
    'postgres',
  ],
  [
    'One second each of 5,000 schedules on PostgreSQL',
    'throughput.mjs',
    '--schedules',
    '5000',
    '--store',
    'postgres',
  ],
  ['Fires that Redis alone can record', 'store-cycle.mjs'],
  ['Fires that PostgreSQL alone can record', 'store-cycle.mjs', '--store', 'postgres'],
  ['A million schedules in Redis', 'many-schedules.mjs'],
  ['A million schedules in PostgreSQL', 'many-schedules.mjs', '--store', 'postgres', '--fires', '1000'],
  ['One next() of a cron trigger', 'triggers.mjs'],
]

console.log(`Node ${process.version}, ${cpus().length} × ${cpus()[0].model}`)
for (const [title, script, ...args] of RUNS) {
  console.log(`\n${title}`)
  const path = fileURLToPath(new URL(script, import.meta.url))
  const { status } = spawnSync(process.execPath, [path, ...args], { stdio: 'inherit' })
  if (status !== 0) process.exitCode = 1
}
