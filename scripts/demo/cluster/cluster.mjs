import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createScheduler } from '@evertick/core'
import { RedisServer } from '@evertick/core/testing'
import { Audit } from './audit.mjs'
import { Figures } from './figures.mjs'
import { Held } from './held.mjs'
import { Ledger } from './ledger.mjs'
import { clusterSchedules } from './schedules.mjs'
import { ServerNode } from './server-node.mjs'
import { startTarget } from './target.mjs'

const NODES = 3
/** Servers begin at once, and schedules a moment after they were put. */
const HEAD_START_MS = 1500
const REDIS_DOWN_MS = 2000
/** So soon after its return everything goes on again. */
const SETTLED_AFTER_MS = 2000
const STOP_TIMEOUT_MS = 20_000
/** A node that was killed by somebody is back so soon. */
export const BACK_AFTER_MS = 8000

/** A Redis, three servers, and schedules that keep them busy; and what can be done to them. */
export class Cluster {
  redis
  nodes = []
  audit
  figures = new Figures()
  held
  /** The store's own record of each node, by name: of its latest life. */
  records = new Map()
  redisState = 'up'
  redisSince = Date.now()
  /** What was done to it. */
  faults = { killed: 0, frozen: 0, redis: 0 }
  /** What went wrong that was not asked for. */
  failures = []
  schedules = 0
  #told
  #folder
  #ledger
  #target
  #observer
  #requested = []
  #restarts = new Map()
  #redisIsBack = Promise.resolve()
  /** When Redis was gone, and for a little longer: what was to begin then could not be on time. */
  #gaps = []
  #stopping = false
  #reading = Promise.resolve()

  constructor(told) {
    this.#told = told
    this.held = new Held(told)
  }

  /** @throws {Error} where redis-server is missing; `stop` has to be called in any case. */
  async start() {
    this.#folder = await mkdtemp(join(tmpdir(), 'evertick-demo-'))
    // Killed while its disk is busy, a Redis that syncs every second may lose what it answered just before.
    this.redis = await RedisServer.start({ settings: ['--appendfsync', 'always'] })
    const folder = join(this.#folder, 'ledger')
    await mkdir(folder)
    this.#ledger = new Ledger(folder)
    this.#target = await startTarget((start) => this.#requested.push(start))
    this.nodes = Array.from(
      { length: NODES },
      (_, i) =>
        new ServerNode({
          name: `node-${i + 1}`,
          store: this.redis.url,
          ledger: this.#ledger,
          endedByItself: (node, how) => {
            // Somebody else did what the keys do.
            if (how === 'SIGKILL') void this.#wasKilled(node, BACK_AFTER_MS)
            else {
              this.failures.push(`${node.name} ended by itself: ${how}`)
              this.#told('bad', this.failures.at(-1))
            }
          },
        }),
    )
    await Promise.all(this.nodes.map((node) => node.start()))
    this.#observer = await createScheduler({ store: this.redis.url })
    const schedules = await this.#observer.schedules.putAll(
      clusterSchedules({
        from: Math.ceil((Date.now() + HEAD_START_MS) / 1000) * 1000,
        target: this.#target.url,
        ledger: this.#ledger.pathOf('commands'),
      }),
      // A server serves a moment before its first heartbeat tells the store what tasks it knows.
      { allowUnknownTask: true },
    )
    this.schedules = schedules.length
    this.audit = new Audit(schedules)
    this.#told('good', `${NODES} nodes share ${schedules.length} schedules`)
  }

  /** kill -9. It comes back by itself after `backAfterMs`. */
  async kill(node, backAfterMs) {
    await node.kill()
    await this.#wasKilled(node, backAfterMs)
  }

  async #wasKilled(node, backAfterMs) {
    this.faults.killed += 1
    // All that it wrote before it died.
    await this.read()
    const held = this.held.orphaned(node.life)
    this.#told('bad', `${node.name} is killed${inHand(held)}`)
    this.#restarts.set(
      node,
      setTimeout(() => void this.revive(node), backAfterMs),
    )
  }

  /** Starts a dead node again. */
  async revive(node) {
    clearTimeout(this.#restarts.get(node))
    this.#restarts.delete(node)
    if (node.state !== 'dead' || this.#stopping) return
    try {
      await node.start()
      if (node.state === 'up') this.#told('good', `${node.name} is back`)
    } catch (error) {
      // Without Redis a server does not start.
      this.#told('warn', error.message)
      this.#restarts.set(
        node,
        setTimeout(() => void this.revive(node), 2000),
      )
    }
  }

  async freeze(node) {
    this.faults.frozen += 1
    node.freeze()
    await this.read()
    const held = this.held.orphaned(node.life)
    this.#told('warn', `${node.name} is frozen${inHand(held)}`)
  }

  thaw(node) {
    node.thaw()
    this.#told('good', `${node.name} goes on`)
  }

  /** kill -9, and started again on the same data. Asked for while that goes on, it is the same one. */
  restartRedis() {
    if (this.redisState === 'up') this.#redisIsBack = this.#restartRedis()
    return this.#redisIsBack
  }

  async #restartRedis() {
    const gap = { from: Date.now(), to: Infinity }
    this.#gaps.push(gap)
    this.faults.redis += 1
    this.#redisIs('down')
    await this.redis.kill()
    this.#told('bad', `Redis is killed; it comes back in ${REDIS_DOWN_MS / 1000} s`)
    await sleep(REDIS_DOWN_MS)
    await this.redis.restart()
    gap.to = Date.now() + SETTLED_AFTER_MS
    this.#redisIs('up')
    this.#told('good', 'Redis is back, with all that it had')
  }

  /** Takes in all that handlers wrote until now. */
  read() {
    // One after the other: a file is read from where it was left.
    this.#reading = this.#reading.then(() => this.#read())
    return this.#reading
  }

  async #read() {
    const lines = [...(await this.#ledger.read()), ...this.#requested.splice(0)]
    for (const { event, life = 'target', ...line } of lines) {
      const at = line.at ?? Date.now()
      if (event === 'end') this.held.ended(line.run, life)
      if (event !== 'start') continue
      const first = this.audit?.started({ ...line, at }) ?? false
      // Of what the target and the command tell, the node is not known.
      const [node, isLife] = life.split('.')
      if (isLife === undefined) continue
      this.held.began(line.run, life, at)
      const fireTime = Number(line.run.split('@')[1])
      const wasAway = this.#gaps.some(({ from, to }) => from <= at && fireTime <= to)
      this.figures.began(node, at, first ? at - fireTime : null, wasAway)
    }
  }

  /** Asks the store what became of the fire times that passed. */
  async check() {
    const now = Date.now()
    this.audit.expect(now)
    const ids = this.audit.toAsk(now)
    const records = await this.#asked(() => Promise.all(ids.map((id) => this.#observer.runs.get(id))))
    if (records === null) return
    await this.read()
    this.audit.recorded(new Map(ids.map((id, i) => [id, records[i]])))
  }

  /** Asks the store who is there. */
  async look() {
    const records = await this.#asked(() => this.#observer.listNodes())
    for (const record of records?.toSorted((a, b) => a.startedAt - b.startedAt) ?? []) {
      this.records.set(record.node, record)
    }
  }

  /** Everything runs again, so that what was interrupted can come to its end. */
  async heal() {
    await this.#redisIsBack
    await Promise.all(
      this.nodes.map(async (node) => {
        if (node.state === 'frozen') this.thaw(node)
        await this.revive(node)
      }),
    )
  }

  /** Ends and removes all that it started; with `hurry`, without letting anything come to its end. */
  async stop({ hurry }) {
    this.#stopping = true
    for (const timer of this.#restarts.values()) clearTimeout(timer)
    await this.#redisIsBack.catch(() => {})
    await Promise.all(
      this.nodes.map(async (node) => {
        if (hurry || node.state !== 'up') {
          await node.kill()
          return
        }
        const code = await node.stop(STOP_TIMEOUT_MS)
        if (code !== 0)
          this.failures.push(`${node.name} did not stop as it should: ${code ?? 'it had to be killed'}`)
      }),
    )
    await this.#observer?.stop()
    await this.#target?.stop()
    await this.#ledger?.close()
    await this.redis?.stop()
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true, force: true })
  }

  #redisIs(state) {
    this.redisState = state
    this.redisSince = Date.now()
  }

  /** `null` while the store does not answer. */
  async #asked(ask) {
    try {
      return await ask()
    } catch (error) {
      if (error.code === 'STORE_UNAVAILABLE') return null
      throw error
    }
  }
}

function inHand(runs) {
  return runs === 0 ? '' : `, with ${runs} ${runs === 1 ? 'run' : 'runs'} in hand`
}
