// Servers of their own for the measurements: `--store redis`, `--store postgres`.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { PostgresServer, RedisServer } from '@evertick/core/testing'
import { cpuMsOf } from './measure.mjs'

/** With the durability that is usual for each. `null` for a store that is none of these. */
export async function startServer(store) {
  if (store === 'redis') {
    const server = await RedisServer.start()
    return {
      url: server.url,
      cpuMs: () => cpuMsOf(server.pid),
      bytes: () => Number(readFileSync(`/proc/${server.pid}/statm`, 'utf8').split(' ')[1]) * 4096,
      stop: () => server.stop(),
    }
  }
  if (store !== 'postgres') return null
  const server = await PostgresServer.start({ fsync: true, settings: { synchronous_commit: 'on' } })
  return {
    url: server.url,
    // Its processes: those of the connections must be there before and after.
    cpuMs: () => [server.pid, ...childrenOf(server.pid)].reduce((sum, pid) => sum + cpuMsOf(pid), 0),
    bytes: () => postgresBytes(server.url),
    stop: () => server.stop(),
  }
}

function childrenOf(pid) {
  const listed = execFileSync('ps', ['-o', 'pid=', '--ppid', String(pid)], { encoding: 'utf8' })
  return listed.trim().split(/\s+/).map(Number)
}

async function postgresBytes(url) {
  const { default: pg } = await import('pg')
  const client = new pg.Client(url)
  await client.connect()
  const { rows } = await client.query('SELECT pg_database_size(current_database())::float8 AS bytes')
  await client.end()
  return rows[0].bytes
}
