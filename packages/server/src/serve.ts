import {
  backupTask,
  commandTask,
  createScheduler,
  httpTask,
  InvalidError,
  type Logger,
  type Scheduler,
  type Task,
} from '@evertick/core'
import { exposureProblem, type ServeConfig } from './config.js'
import { createApp } from './http/app.js'
import type { App } from './http/routes/types.js'
import { loadTasks } from './load-tasks.js'

/** A node of Evertick with its HTTP API. */
export interface Server extends AsyncDisposable {
  /** Where it answers, such as `http://127.0.0.1:4747`. */
  readonly url: string
  readonly scheduler: Scheduler
  /**
   * Accepts nothing more, hands over the runs that have not begun, waits for the others up to the grace period, and
   * closes the store. May be called twice.
   */
  readonly close: () => Promise<void>
}

// A token shorter than this can be guessed by whoever may try for long enough.
const SHORTEST_SAFE_TOKEN = 16

/**
 * Starts a node: loads its tasks, opens the store, binds the port, and only then begins to fire, so that a server that
 * cannot be reached runs nothing. Where a step fails, the ones before it are undone.
 * @throws {InvalidError} INVALID_OPTION: tasks that cannot be loaded, a port that cannot be bound, a host that would be
 * open to everyone.
 * @throws {EvertickError} STORE_UNREADABLE, STORE_UNAVAILABLE, STORE_VERSION.
 */
export async function serve(config: ServeConfig, { log }: { readonly log: Logger }): Promise<Server> {
  const exposure = exposureProblem(config)
  if (exposure !== null) throw new InvalidError('INVALID_OPTION', [exposure])
  if (config.token !== null && config.token.length < SHORTEST_SAFE_TOKEN) {
    log.warn(
      { length: config.token.length },
      'The token is short; take 16 characters or more, made by chance',
    )
  }

  // Its runs begin once there is a scheduler, and so a store.
  const backUp =
    config.backups === null ? [] : [backupTask({ store: () => scheduler.store, root: config.backups })]
  const tasks = withBuiltIns(await loadTasks(config.tasks), backUp)
  const scheduler: Scheduler = await createScheduler({
    store: config.store,
    tasks,
    node: {
      groups: config.groups,
      slots: config.slots,
      ...(config.nodeName === null ? {} : { name: config.nodeName }),
    },
    stopGraceMs: config.stopGraceMs,
    history: config.history,
    log,
  })
  try {
    const app = await createApp({ scheduler, config, log })
    try {
      const url = await listen(app, config)
      await scheduler.start()
      log.info({ url, store: scheduler.store.info.location, tasks: tasks.length }, 'Evertick serves')
      return serverOf(url, app, scheduler)
    } catch (error) {
      await app.close()
      throw error
    }
  } catch (error) {
    await scheduler.stop({ graceMs: 0 })
    throw error
  }
}

function serverOf(url: string, app: App, scheduler: Scheduler): Server {
  let closing: Promise<void> | null = null
  const close = async (): Promise<void> => {
    const disconnect = async (): Promise<void> => {
      await scheduler.stop()
      // The store is closed by now: what still waits for an answer cannot have one.
      app.server.closeAllConnections()
    }
    await Promise.all([app.close(), disconnect()])
  }
  return {
    url,
    scheduler,
    close: () => (closing ??= close()),
    [Symbol.asyncDispose]: () => (closing ??= close()),
  }
}

/** Calling an address or a command needs no module; one that defines a task of that name replaces ours. */
function withBuiltIns(tasks: readonly Task[], more: readonly Task[]): Task[] {
  const names = new Set(tasks.map(({ name }) => name))
  return [...tasks, ...[httpTask(), commandTask(), ...more].filter(({ name }) => !names.has(name))]
}

async function listen(app: App, { host, port }: ServeConfig): Promise<string> {
  try {
    await app.listen({ host, port })
  } catch (error) {
    throw cannotListen(error as NodeJS.ErrnoException, host, port)
  }
  const address = app.server.address()
  const bound = typeof address === 'object' && address !== null ? address.port : port
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${bound}`
}

function cannotListen(cause: NodeJS.ErrnoException, host: string, port: number): Error {
  const problem = (path: string, rule: string, message: string): InvalidError =>
    new InvalidError('INVALID_OPTION', [{ path, rule, message }], { cause })
  switch (cause.code) {
    case 'EADDRINUSE': {
      const message =
        `Port ${port} of ${host} is in use by another process; ` +
        'choose another with --port or EVERTICK_PORT (0 takes any that is free)'
      return problem('port', 'port.free', message)
    }
    case 'EACCES': {
      const message = `Port ${port} of ${host} may not be bound by this user; choose one above 1023 with --port or EVERTICK_PORT`
      return problem('port', 'port.allowed', message)
    }
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN': {
      const message = `${JSON.stringify(host)} is no address of this machine; choose one with --host or EVERTICK_HOST`
      return problem('host', 'host.local', message)
    }
    default:
      return cause
  }
}
