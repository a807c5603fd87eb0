import type { Logger } from '@evertick/core'
import type { Command } from 'commander'
import { readServeConfig, SERVE_OPTIONS, type ServeConfig, type ServeFlags } from '../../config.js'
import { serve, type Server } from '../../serve.js'
import { EXIT } from '../failures.js'
import type { CliIo } from '../io.js'
import { jsonLog, prettyLog } from '../log.js'
import { styleFor } from '../style.js'
import type { CliContext } from './context.js'

const DESCRIPTIONS: Readonly<
  Record<keyof typeof SERVE_OPTIONS, readonly [value: string, description: string]>
> = {
  store: ['<url>', 'sqlite:PATH, redis://HOST:PORT, rediss://HOST:PORT, postgres://HOST/DATABASE or memory:'],
  host: ['<address>', 'where to listen; one that other machines can reach needs --token'],
  port: ['<number>', 'where to listen; 0 for any free port'],
  tasks: ['<path...>', 'task modules, or directories of them'],
  backups: ['<directory>', 'where the task backup may write; without it there is no such task'],
  token: ['<token>', 'what clients must show as "Authorization: Bearer TOKEN"'],
  nodeName: ['<name>', 'of this node in the cluster'],
  groups: ['<names>', 'take runs of these groups, parted by commas'],
  slots: ['<number>', 'runs at once'],
  logLevel: ['<level>', 'debug, info, warn, error or silent'],
  stopGrace: ['<seconds>', 'how long a stop waits for running handlers'],
  history: [
    '<parts>',
    'what schedules keep that do not say so themselves, such as maxRuns=500,maxAge=30d,maxFailures=100,maxFailureAge=90d,maxSkipped=50',
  ],
}

/** `evertick serve`: a node with the HTTP API, until it is told to stop. */
export function addServeCommand(program: Command, context: CliContext): void {
  const command = program
    .command('serve')
    .description('run a server: fires schedules, runs tasks, answers HTTP')
  for (const option of Object.keys(SERVE_OPTIONS) as (keyof typeof SERVE_OPTIONS)[]) {
    const { flag, variable, default: fallback } = SERVE_OPTIONS[option]
    const [value, description] = DESCRIPTIONS[option]
    const otherwise = fallback === null ? variable : `${variable}; default ${fallback}`
    command.option(`${flag} ${value}`, `${description} (${otherwise})`)
  }
  command.action(async (flags: ServeFlags) => {
    const { io } = context
    const config = readServeConfig(flags, io.env)
    await serveUntilInterrupted(config, io, logFor(config, io))
  })
}

function logFor({ logLevel }: ServeConfig, io: CliIo): Logger {
  return io.stdout.isTTY
    ? prettyLog(io.stdout, logLevel, styleFor(io.stdout, io.env), io.clock)
    : jsonLog(io.stdout, logLevel)
}

async function serveUntilInterrupted(config: ServeConfig, io: CliIo, log: Logger): Promise<void> {
  let interrupts = 0
  let interrupted: () => void = () => {}
  const stopping = new Promise<void>((resolve) => (interrupted = resolve))
  const stopListening = io.onInterrupt(() => {
    interrupts += 1
    // Whoever asks twice does not want to wait for handlers any more.
    if (interrupts > 1) io.exit(EXIT.interrupted)
    interrupted()
  })
  try {
    const starting = serve(config, { log })
    const server = await Promise.race([starting, stopping])
    if (server === undefined) {
      log.info({}, 'Stopping before it has begun')
      await (await starting).close()
      return
    }
    if (io.stdout.isTTY) io.stdout.write(welcome(server, io))
    await stopping
    log.info(
      { graceMs: config.stopGraceMs },
      'Stopping: waiting for running handlers; interrupt again to leave at once',
    )
    await server.close()
    log.info({}, 'Stopped')
  } finally {
    stopListening()
  }
}

function welcome({ url, scheduler }: Server, io: CliIo): string {
  const { bold, dim } = styleFor(io.stdout, io.env)
  return [
    '',
    `  ${bold('Evertick')} is up`,
    '',
    `  ${dim('open   ')} ${url}/`,
    `  ${dim('docs   ')} ${url}/docs`,
    `  ${dim('OpenAPI')} ${url}/openapi.json`,
    `  ${dim('store  ')} ${scheduler.store.info.location}`,
    `  ${dim('tasks  ')} ${[...scheduler.tasks.keys()].join(', ') || 'none'}`,
    '',
    '',
  ].join('\n')
}
