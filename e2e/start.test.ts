import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const START = fileURLToPath(new URL('../scripts/start.mjs', import.meta.url))

interface RunJson {
  readonly id: string
  readonly scheduleId: string
  readonly fireTime: string
  readonly status: string
  readonly missed: { readonly count: number } | null
}

/** `npm start` in a process of its own. */
class Demo {
  readonly #child: ChildProcess
  output = ''

  constructor(folder: string) {
    const env = {
      ...process.env,
      EVERTICK_STORE: `sqlite:${join(folder, 'demo.db')}`,
      EVERTICK_PORT: '0',
      NO_COLOR: '1',
    }
    this.#child = spawn(process.execPath, [START], { env, stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) {
      stream.on('data', (text: Buffer) => (this.output += text.toString()))
    }
  }

  /** The address that it tells people to open. */
  async url(): Promise<string> {
    await this.printed(/http:\/\/127\.0\.0\.1:\d+\//)
    return /http:\/\/127\.0\.0\.1:\d+/.exec(this.output)![0]
  }

  async printed(text: RegExp): Promise<void> {
    while (!text.test(this.output)) {
      if (this.#child.exitCode !== null) throw new Error(`npm start ended: ${this.output}`)
      await sleep(20)
    }
  }

  async end(signal: NodeJS.Signals): Promise<number | null> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return this.#child.exitCode
    const exit = once(this.#child, 'exit')
    this.#child.kill(signal)
    return ((await exit) as [number | null])[0]
  }
}

let folder: string
let demo: Demo

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'evertick-start-'))
})

afterEach(async () => {
  await demo.end('SIGKILL')
  await rm(folder, { recursive: true, force: true })
})

async function get<Answer>(url: string): Promise<Answer> {
  const response = await fetch(url)
  expect(response.status).toBe(200)
  return (await response.json()) as Answer
}

async function history(url: string): Promise<RunJson[]> {
  const runs: RunJson[] = []
  let cursor: string | null = null
  do {
    const page: { items: RunJson[]; nextCursor: string | null } = await get(
      `${url}/api/v1/runs?limit=500${cursor === null ? '' : `&cursor=${cursor}`}`,
    )
    runs.push(...page.items)
    cursor = page.nextCursor
  } while (cursor !== null)
  return runs
}

test('npm start fires, survives kill -9 with its history, and records what it missed', async () => {
  demo = new Demo(folder)
  const before = await demo.url()
  await demo.printed(/heartbeat +succeeded[^]*heartbeat +succeeded/)
  const firstLife = await history(before)
  const schedules = await get<{ items: { id: string }[] }>(`${before}/api/v1/schedules`)
  expect(schedules.items.length).toBeGreaterThanOrEqual(5)
  await demo.end('SIGKILL')

  demo = new Demo(folder)
  const after = await demo.url()
  await demo.printed(/heartbeat +succeeded[^]*heartbeat +succeeded/)
  const bothLives = await history(after)
  const ids = bothLives.map(({ id }) => id)
  expect(new Set(ids).size).toBe(ids.length)
  for (const { id } of firstLife) expect(ids).toContain(id)
  expect(await get<{ items: { id: string }[] }>(`${after}/api/v1/schedules`)).toMatchObject({
    items: schedules.items.map(({ id }) => ({ id })),
  })

  // Each beat from the first to the last has one record, the downtime included: run, or accounted for as missed.
  const beats = bothLives.filter(({ scheduleId }) => scheduleId === 'heartbeat')
  const times = beats.map(({ fireTime }) => Date.parse(fireTime))
  const expected = (Math.max(...times) - Math.min(...times)) / 2000 + 1
  const recorded = beats.reduce((sum, { missed }) => sum + (missed?.count ?? 1), 0)
  expect(recorded).toBe(expected)

  expect(await demo.end('SIGINT')).toBe(0)
})

test('a port that is taken is named, with what to do about it', async () => {
  const other = createServer()
  other.listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address() as { port: number }
  const env = {
    ...process.env,
    EVERTICK_STORE: `sqlite:${join(folder, 'demo.db')}`,
    EVERTICK_PORT: String(port),
  }
  const child = spawn(process.execPath, [START], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (text: Buffer) => (output += text.toString()))
  const [code] = (await once(child, 'exit')) as [number]
  other.close()
  expect(code).not.toBe(0)
  expect(output).toContain(String(port))
  expect(output).toContain('EVERTICK_PORT')
})

test('a signal to npm reaches what it started', async () => {
  const npm = spawn('npm', ['start'], {
    cwd: ROOT,
    env: {
      ...process.env,
      EVERTICK_STORE: `sqlite:${join(folder, 'demo.db')}`,
      EVERTICK_PORT: '0',
      NO_COLOR: '1',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  npm.stdout.on('data', (text: Buffer) => (output += text.toString()))
  while (!/http:\/\/127\.0\.0\.1:\d+/.test(output)) await once(npm.stdout, 'data')
  // The pipe is closed by the last process that holds it.
  const closed = once(npm, 'close')
  npm.kill('SIGTERM')
  await closed
  await expect(fetch(/http:\/\/127\.0\.0\.1:\d+/.exec(output)![0])).rejects.toThrow()
})
