import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createScheduler, type Scheduler } from '@evertick/core'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { answered, cli, startCli } from '../testing/test-cli.js'
import { testServer, type TestServer } from '../testing/test-server.js'

let folder: string
let server: TestServer
let places: Record<string, { argv: string[]; scheduler: Scheduler }>
let direct: Scheduler

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'evertick-cli-'))
  server = await testServer()
  const url = `sqlite:${join(folder, 'store.db')}`
  direct = await createScheduler({ store: url, node: { name: 'direct' } })
  places = {
    server: {
      argv: ['--server', await server.app.listen({ port: 0 })],
      scheduler: server.scheduler,
    },
    store: { argv: ['--store', url], scheduler: direct },
  }
})
afterEach(async () => {
  await server[Symbol.asyncDispose]()
  await direct.stop()
  await rm(folder, { recursive: true, force: true })
})

/** A command line that runs this program under the lock `l`. */
function lockRun(place: string, script: string, ...flags: string[]): string[] {
  return ['lock', 'run', 'l', ...flags, ...places[place]!.argv, '--', process.execPath, '-e', script]
}

describe.each(['server', 'store'])('over a %s', (place) => {
  test('a command runs under the lock, knows its fence, and its output and exit code are passed on', async () => {
    const script = `
      console.log(process.env.EVERTICK_LOCK, process.env.EVERTICK_LOCK_FENCE, process.argv[1])
      console.error('oh')
      process.exitCode = 3`
    const run = lockRun(place, script)
    const first = await cli([...run, '--', '--flag'])
    expect(first).toEqual({
      code: 3,
      out: expect.stringMatching(/^l \d{16} --flag\n$/) as string,
      err: 'oh\n',
    })
    const fence = ({ out }: { out: string }): number => Number(out.split(' ')[1])
    expect(fence(await cli(run))).toBeGreaterThan(fence(first))
    expect(await places[place]!.scheduler.locks.list()).toEqual({ items: [], nextCursor: null })
  })

  test('what is locked waits, and is listed with its holder', async () => {
    const lock = await places[place]!.scheduler.locks.acquire('l')
    const waiting = startCli(lockRun(place, `console.log('mine')`))
    const list = (...flags: string[]) => cli(['lock', 'list', ...places[place]!.argv, ...flags])
    await expect.poll(async () => (await list()).out).toMatch(/^l +\S+ \w+ +1 +\d{16} +(node-a|direct)$/m)
    expect(answered(await list('--json', '--prefix', 'l'))).toMatchObject({
      items: [{ name: 'l', fence: lock.fence, waiting: 1 }],
    })
    expect((await list('--prefix', 'x')).out).toBe('no locks\n')
    await lock.release()
    expect(await waiting.outcome).toMatchObject({ code: 0, out: 'mine\n' })
  })

  test('who does not get it in time is told so, with an exit code of its own', async () => {
    await places[place]!.scheduler.locks.acquire('l')
    const { code, out, err } = await cli(lockRun(place, `console.log('mine')`, '--wait', '0s'))
    expect([code, out]).toEqual([75, ''])
    expect(err).toMatch(/^error LOCK_TIMEOUT: Lock l was not to be had at once: (node-a|direct) holds it\n$/)
  })

  test('commands under one lock never run at the same time', async () => {
    const log = join(folder, 'log')
    const script = `
      const { appendFileSync } = require('node:fs')
      appendFileSync(${JSON.stringify(log)}, 'begin\\n')
      setTimeout(() => appendFileSync(${JSON.stringify(log)}, 'end\\n'), 20)`
    const outcomes = await Promise.all(Array.from({ length: 4 }, () => cli(lockRun(place, script))))
    expect(outcomes.map(({ code }) => code)).toEqual([0, 0, 0, 0])
    expect(await readFile(log, 'utf8')).toBe('begin\nend\n'.repeat(4))
  })
})

test('a command that loses its lock is ended, with all that it started', async () => {
  // Neither heeds SIGTERM, and both tell of themselves.
  const script = `
    const { spawn } = require('node:child_process')
    process.on('SIGTERM', () => console.log('warned'))
    const stubborn = 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000); console.log("so am I")'
    spawn(process.execPath, ['-e', stubborn], { stdio: 'inherit' })
    setInterval(() => {}, 1000)
    console.log('up')`
  const running = startCli(lockRun('server', script, '--ttl', '1s'))
  await running.shows('up\n')
  await running.shows('so am I\n')
  // From now on no renewal is answered.
  await server.app.close()
  // The outcome comes when nobody is left who could write.
  const { code, out, err } = await running.outcome
  expect(code).toBe(76)
  expect(out).toContain('warned')
  expect(err).toContain('error LEASE_LOST: Lock l is no longer held')
})

test('an interrupt is passed on to the command, whose end is waited for', async () => {
  const script = `
    process.on('SIGTERM', () => { console.log('ending'); process.exit(7) })
    setInterval(() => {}, 1000)
    console.log('up')`
  const running = startCli(lockRun('store', script))
  await running.shows('up\n')
  await running.interrupt()
  expect(await running.outcome).toMatchObject({ code: 7, out: 'up\nending\n' })
  await direct.locks.acquire('l', { waitMs: 0 })
})

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s ends the wait, and the place in the queue', async (signal, code) => {
  await direct.locks.acquire('l')
  const waiting = startCli(lockRun('store', ''))
  await expect.poll(async () => (await direct.locks.list()).items[0]?.waiting).toBe(1)
  await waiting.interrupt(signal)
  expect(await waiting.outcome).toMatchObject({ code, out: '', err: '' })
  expect((await direct.locks.list()).items[0]?.waiting).toBe(0)
})

test('a command that ends by a signal, or can not be started, is told as a shell does', async () => {
  const killed = await cli(lockRun('store', `process.kill(process.pid, 'SIGKILL')`))
  expect(killed.code).toBe(137)
  const missing = await cli(['lock', 'run', 'l', ...places['store']!.argv, '--', '/no/such/program'])
  expect(missing).toMatchObject({
    code: 127,
    err: expect.stringContaining('error COMMAND_FAILED: /no/such/program could not be started') as string,
  })
  await direct.locks.acquire('l', { waitMs: 0 })
})

test('a place where nobody answers is told at once', async () => {
  const nowhere = ['--server', 'http://127.0.0.1:1']
  const { code, err } = await cli(['lock', 'run', 'l', ...nowhere, '--', 'true'])
  expect([code, err]).toEqual([5, expect.stringContaining('error UNREACHABLE') as string])
})
