import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'

const DEMO = fileURLToPath(new URL('../scripts/demo-cluster.mjs', import.meta.url))

let folder: string
let demo: Demo | null = null

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'evertick-e2e-demo-'))
})

afterEach(async () => {
  await demo?.end('SIGTERM')
  demo = null
  await rm(folder, { recursive: true, force: true })
})

/** `npm run demo:cluster` without a terminal, which keeps all of its files in `folder`. */
class Demo {
  readonly #child: ChildProcess
  readonly #exit: Promise<number | null>
  output = ''

  constructor(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    this.#child = spawn(process.execPath, [DEMO, ...args], {
      env: { ...process.env, TMPDIR: folder, FORCE_COLOR: '', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#exit = once(this.#child, 'close').then(([code]) => code as number | null)
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) {
      stream.on('data', (text: Buffer) => (this.output += text.toString()))
    }
  }

  get exit(): Promise<number | null> {
    return this.#exit
  }

  async printed(text: RegExp): Promise<void> {
    while (!text.test(this.output)) {
      if (this.#child.exitCode === null) await sleep(20)
      else {
        await this.#exit
        throw new Error(`The demo ended: ${this.output}`)
      }
    }
  }

  end(signal: NodeJS.Signals): Promise<number | null> {
    if (this.#child.exitCode === null) this.#child.kill(signal)
    return this.#exit
  }

  /** A figure of the summary. */
  figure(name: string): number {
    const found = new RegExp(`^  ${name} +([\\d,]+)`, 'm').exec(this.output)?.[1]
    if (found === undefined) throw new Error(`There is no ${name} in: ${this.output}`)
    return Number(found.replaceAll(',', ''))
  }
}

/** Processes that were given our folder for their files. */
async function processesLeft(): Promise<string[]> {
  if (!existsSync('/proc/self/environ')) return []
  const left: string[] = []
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    // Gone meanwhile, or not ours to look at.
    const environ = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')
    if (environ.includes(folder)) left.push(await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => pid))
  }
  return left
}

test('kills its nodes in turn, accounts for every fire time, and leaves nothing behind', async () => {
  demo = new Demo(['--seconds', '20'])
  const code = await demo.exit
  expect(demo.output).toContain('Nothing was missed, and nothing ran twice.')
  expect(code).toBe(0)
  expect(demo.figure('missed')).toBe(0)
  expect(demo.figure('ran twice')).toBe(0)
  expect(demo.figure('fires')).toBeGreaterThan(3000)
  expect(demo.figure('accounted for')).toBe(demo.figure('fires'))
  expect(demo.figure('taken over')).toBeGreaterThan(0)
  for (const name of ['node-1', 'node-2', 'Redis'])
    expect(demo.output).toMatch(new RegExp(`${name} is killed`))
  expect(await processesLeft()).toEqual([])
  expect(await readdir(folder)).toEqual([])
})

test('interrupted, it ends everything at once', async () => {
  demo = new Demo([])
  await demo.printed(/node-1 is killed/)
  expect(await demo.end('SIGINT')).toBe(130)
  expect(await processesLeft()).toEqual([])
  expect(await readdir(folder)).toEqual([])
})

test('where there is no redis-server, it says what to install', async () => {
  demo = new Demo([], { PATH: dirname(DEMO) })
  expect(await demo.exit).toBe(1)
  expect(demo.output).toContain('apt-get install redis-server')
  expect(await readdir(folder)).toEqual([])
})
