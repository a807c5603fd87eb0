import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLogger, type Logger } from '@evertick/core'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { readServeConfig, type ServeConfig } from './config.js'
import { serve, type Server } from './serve.js'
import { EVERY_HOUR } from './testing/test-server.js'

const CORE = new URL('../../core/src/index.ts', import.meta.url).href

let folder: string
let server: Server | null = null
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'evertick-serve-'))
})
afterEach(async () => {
  await server?.close()
  server = null
  await rm(folder, { recursive: true })
})

const config = (changes: Partial<ServeConfig> = {}): ServeConfig => ({
  ...readServeConfig({ store: `sqlite:${join(folder, 'evertick.db')}`, port: '0', stopGrace: '5' }, {}),
  ...changes,
})

async function start(changes: Partial<ServeConfig> = {}, log: Logger = silentLogger): Promise<Server> {
  server = await serve(config(changes), { log })
  return server
}

async function tasksFile(code: string): Promise<string> {
  const file = join(folder, 'tasks.mjs')
  await writeFile(file, `import { defineTask } from '${CORE}'\n${code}`)
  return file
}

async function post(path: string, body: object): Promise<Response> {
  return fetch(`${server!.url}/api/v1${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
}

test('it backs up by schedule where it may, and only there', async () => {
  const backup = { id: 'nightly', task: 'backup', trigger: EVERY_HOUR, input: { directory: 'nightly' } }
  await start()
  expect(await (await post('/schedules', backup)).json()).toMatchObject({ code: 'UNKNOWN_TASK' })
  await server!.close()
  const { scheduler } = await start({ backups: join(folder, 'backups') })
  expect((await post('/schedules', backup)).status).toBe(201)
  const outside = await post('/schedules', { ...backup, id: 'b', input: { directory: '../..' } })
  expect(await outside.json()).toMatchObject({ code: 'INVALID_INPUT', errors: [{ path: 'input.directory' }] })
  const ran = new Promise<{ result: unknown }>((resolve) => scheduler.on('run.succeeded', resolve))
  await post('/schedules/nightly/run', {})
  expect((await ran).result).toMatchObject({ counts: { schedule: 1 } })
  expect(await readdir(join(folder, 'backups/nightly'))).toEqual([
    expect.stringMatching(/^evertick-.*\.jsonl$/),
  ])
})

test('it answers over the network, and runs the tasks of its modules', async () => {
  const tasks = [
    await tasksFile(
      "export const hello = defineTask({ name: 'hello', run: ({ input }) => `hello ${input}` })",
    ),
  ]
  const { url, scheduler } = await start({ tasks, nodeName: 'node-a' })
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)

  const ran = new Promise<{ result: unknown }>((resolve) => scheduler.on('run.succeeded', resolve))
  const schedule = { id: 'a', task: 'hello', trigger: EVERY_HOUR, input: 'you' }
  expect((await post('/schedules', schedule)).status).toBe(201)
  expect((await post('/schedules/a/run', {})).status).toBe(201)
  expect((await ran).result).toBe('hello you')
  expect((await fetch(`${url}/readyz`)).status).toBe(200)
})

test('http and command are there without a module, unless a module has its own', async () => {
  const tasks = [
    await tasksFile("export default defineTask({ name: 'http', description: 'ours', run: () => null })"),
  ]
  const { scheduler } = await start({ tasks })
  expect([...scheduler.tasks.keys()].toSorted()).toEqual(['command', 'http'])
  expect(scheduler.tasks.get('http')?.description).toBe('ours')
})

test('what was stored is there after a restart', async () => {
  await start()
  await post('/schedules', {
    id: 'a',
    task: 'http',
    trigger: EVERY_HOUR,
    input: { url: 'http://127.0.0.1:9/' },
  })
  await server!.close()
  const { url } = await start()
  const body = (await (await fetch(`${url}/api/v1/schedules/a`)).json()) as { id: string }
  expect(body.id).toBe('a')
})

test('a port in use is named, with what to do, and nothing is left open', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => other.once('listening', resolve))
  const { port } = other.address() as AddressInfo
  await expect(serve(config({ port }), { log: silentLogger })).rejects.toMatchObject({
    code: 'INVALID_OPTION',
    problems: [{ path: 'port', rule: 'port.free' }],
    message: expect.stringMatching(new RegExp(`Port ${port} .*--port or EVERTICK_PORT`)),
  })
  await new Promise((resolve) => other.close(resolve))
  // The store was closed again: it can be opened, and the port is free.
  await start({ port })
  expect((await fetch(`${server!.url}/healthz`)).status).toBe(200)
})

test('a host that would be open to everyone is refused before anything is opened', async () => {
  await expect(
    serve(config({ host: '0.0.0.0', store: 'nonsense:' }), { log: silentLogger }),
  ).rejects.toMatchObject({
    code: 'INVALID_OPTION',
    problems: [{ path: 'host', rule: 'host.needsToken' }],
  })
})

test('an address of another machine is named', async () => {
  const token = 'a-token-of-some-length'
  await expect(serve(config({ host: '192.0.2.1', token }), { log: silentLogger })).rejects.toMatchObject({
    code: 'INVALID_OPTION',
    problems: [{ path: 'host', rule: 'host.local' }],
  })
})

test('a short token is warned of, and not told', async () => {
  const warn = vi.fn()
  await start({ token: 'short' }, { ...silentLogger, warn })
  expect(warn).toHaveBeenCalledWith(expect.anything(), expect.stringContaining('token is short'))
  expect(JSON.stringify(warn.mock.calls)).not.toContain('"short"')
})

test('closing waits for the run that goes on, and refuses what comes after', async () => {
  const tasks = [
    await tasksFile(`export const slow = defineTask({ name: 'slow', run: () => new Promise((resolve) => {
      globalThis.finishSlow = () => resolve('done')
    }) })`),
  ]
  const { url, scheduler, close } = await start({ tasks })
  const started = new Promise((resolve) => scheduler.on('run.started', resolve))
  const succeeded = new Promise<{ result: unknown }>((resolve) => scheduler.on('run.succeeded', resolve))
  await post('/schedules', { id: 'a', task: 'slow', trigger: EVERY_HOUR })
  await post('/schedules/a/run', {})
  await started

  const closed = close()
  let over = false
  void closed.then(() => (over = true))
  await expect
    .poll(() =>
      fetch(`${url}/healthz`).then(
        () => 'answers',
        () => 'refused',
      ),
    )
    .toBe('refused')
  expect(over).toBe(false)
  ;(globalThis as unknown as { finishSlow(): void }).finishSlow()
  expect((await succeeded).result).toBe('done')
  await closed
  await close()
})
