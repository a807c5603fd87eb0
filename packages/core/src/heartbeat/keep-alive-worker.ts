// The heartbeat thread: renews the session that the main thread uses, over a store connection of its own.
import { parentPort, workerData } from 'node:worker_threads'
import { systemClock } from '../domain/clock.js'
import { signOfLifeMs } from '../domain/lease.js'
import type { Logger } from '../domain/logger.js'
import { keepAliveLoop } from '../engine/keep-alive.js'
import { Renewal } from '../engine/renewal.js'
import { Trust } from '../engine/trust.js'
import type { Store } from '../store/contract.js'
import { openStore } from '../stores/open-store.js'
import { errorText, type FromThread, type ThreadStart, type Told, type ToThread } from './messages.js'

const port = parentPort!
const { url, timing } = workerData as ThreadStart

const say = (message: FromThread): void => port.postMessage(message)

const logAs =
  (level: keyof Logger) =>
  (fields: object, message: string): void => {
    const { err, ...rest } = fields as Record<string, unknown>
    say({
      kind: 'log',
      level,
      fields: err === undefined ? rest : { ...rest, err: errorText(err) },
      message,
    })
  }

const log: Logger = {
  debug: logAs('debug'),
  info: logAs('info'),
  warn: logAs('warn'),
  error: logAs('error'),
}

let told: Told
let trust: Trust | null = null

let store: Store | null = null

const renewal = new Renewal({
  clock: systemClock,
  log,
  timing,
  store: {
    // Opened with the first beat: where that fails, it is tried again like any beat.
    async heartbeat(beat) {
      store ??= await openStore(url)
      return store.heartbeat(beat)
    },
  },
  // The main thread sets the pace, and tells what is true at that moment; without it, this thread goes on by itself.
  sleepMs: timing.renewMs + signOfLifeMs(timing),
  current: () => ({ session: told.session, trust: trust!, node: told.node }),
  answered: (session, answer) => say({ kind: 'answered', session, answer }),
  expired: (session) => say({ kind: 'expired', session }),
})
const loop = keepAliveLoop({ clock: systemClock, random: Math.random, log, timing }, renewal)

async function stop(): Promise<void> {
  try {
    await loop.stop()
    await store?.close()
  } catch (error) {
    log.warn({ err: error }, 'The heartbeat thread could not close its store')
  } finally {
    port.close()
  }
}

port.on('message', (message: ToThread) => {
  if (message.kind === 'stop') {
    void stop()
    return
  }
  const isFirst = trust === null
  told = message
  trust = new Trust(told.trust)
  if (isFirst) loop.start()
  else loop.wake()
})
