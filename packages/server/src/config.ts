import { delimiter, resolve } from 'node:path'
import { type HistoryPolicy, ID_RULE, InvalidError, isValidId, type Problem } from '@evertick/core'
import { HISTORY_RULE, parseHistory } from './history-text.js'
import { isLoopback } from './http/loopback.js'

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const

export type LogLevelName = (typeof LOG_LEVELS)[number]

/** All that `serve` needs to know, decided. */
export interface ServeConfig {
  /** The URL of the store. */
  readonly store: string
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  /** Files and directories of task modules. */
  readonly tasks: readonly string[]
  /** Where the task `backup` may write; `null`: there is no such task. */
  readonly backups: string | null
  /** What clients must show as `Authorization: Bearer …`; `null`: nothing, and then only this machine may connect. */
  readonly token: string | null
  /** `null`: host name and process id. */
  readonly nodeName: string | null
  readonly groups: readonly string[]
  /** Runs at once on this node. */
  readonly slots: number
  readonly logLevel: LogLevelName
  /** How long a stop waits for running handlers. */
  readonly stopGraceMs: number
  /** Of schedules that do not say themselves what they keep. */
  readonly history: Partial<HistoryPolicy>
}

/** The flags of `evertick serve` as the command line gives them; what is absent comes from the environment. */
export interface ServeFlags {
  readonly store?: string
  readonly host?: string
  readonly port?: string
  readonly tasks?: string | readonly string[]
  readonly backups?: string
  readonly token?: string
  readonly nodeName?: string
  readonly groups?: string
  readonly slots?: string
  readonly logLevel?: string
  readonly stopGrace?: string
  readonly history?: string
}

/** Every flag with its environment variable and its default. Help and documentation are made from this. */
export const SERVE_OPTIONS = {
  store: { flag: '--store', variable: 'EVERTICK_STORE', default: 'sqlite:evertick.db' },
  host: { flag: '--host', variable: 'EVERTICK_HOST', default: '127.0.0.1' },
  port: { flag: '--port', variable: 'EVERTICK_PORT', default: '4747' },
  tasks: { flag: '--tasks', variable: 'EVERTICK_TASKS', default: null },
  backups: { flag: '--backups', variable: 'EVERTICK_BACKUPS', default: null },
  token: { flag: '--token', variable: 'EVERTICK_TOKEN', default: null },
  nodeName: { flag: '--node-name', variable: 'EVERTICK_NODE_NAME', default: null },
  groups: { flag: '--groups', variable: 'EVERTICK_GROUPS', default: 'default' },
  slots: { flag: '--slots', variable: 'EVERTICK_SLOTS', default: '100' },
  logLevel: { flag: '--log-level', variable: 'EVERTICK_LOG_LEVEL', default: 'info' },
  stopGrace: { flag: '--stop-grace', variable: 'EVERTICK_STOP_GRACE', default: '30' },
  history: { flag: '--history', variable: 'EVERTICK_HISTORY', default: null },
} as const satisfies Record<
  keyof ServeFlags,
  { readonly flag: string; readonly variable: string; readonly default: string | null }
>

type Option = keyof typeof SERVE_OPTIONS

// A day: whoever waits longer than that for handlers to end does not mean a stop.
const LONGEST_GRACE_SECONDS = 86_400
const MOST_SLOTS = 100_000

/**
 * Reads the configuration: a flag wins over its variable, and an empty variable counts as absent.
 * @throws {InvalidError} INVALID_OPTION, naming every flag or variable that is wrong, the rule and the value.
 */
export function readServeConfig(
  flags: ServeFlags,
  env: Readonly<Record<string, string | undefined>>,
): ServeConfig {
  const read = new OptionReader(flags, env)
  const config: ServeConfig = {
    store: read.text('store'),
    // An IPv6 address is often written as in a URL.
    host: read.text('host').replace(/^\[(.*)\]$/, '$1'),
    port: read.integer('port', 0, 65_535),
    tasks: readTasks(flags.tasks, env),
    backups: read.path('backups'),
    token: read.token(),
    nodeName: read.id('nodeName'),
    groups: read.groups(),
    slots: read.integer('slots', 1, MOST_SLOTS),
    logLevel: read.choice('logLevel', LOG_LEVELS),
    stopGraceMs: Math.round(read.number('stopGrace', 0, LONGEST_GRACE_SECONDS) * 1000),
    history: read.history(),
  }
  const exposure = exposureProblem(config)
  if (exposure !== null) read.problems.push(exposure)
  if (read.problems.length > 0) throw new InvalidError('INVALID_OPTION', read.problems)
  return config
}

/** Why this host may not be bound, or `null`: nobody but this machine gets in without a token. */
export function exposureProblem({ host, token }: Pick<ServeConfig, 'host' | 'token'>): Problem | null {
  if (token !== null || isLoopback(host)) return null
  return {
    path: 'host',
    rule: 'host.needsToken',
    message:
      `--host (EVERTICK_HOST) is ${JSON.stringify(host)}, which other machines can reach, but there is no token; ` +
      'set --token or EVERTICK_TOKEN, or bind 127.0.0.1',
  }
}

function readTasks(flag: ServeFlags['tasks'], env: Readonly<Record<string, string | undefined>>): string[] {
  const given = flag === undefined ? [env['EVERTICK_TASKS'] ?? ''] : typeof flag === 'string' ? [flag] : flag
  return given.flatMap((paths) => paths.split(delimiter)).filter((path) => path.trim() !== '')
}

class OptionReader {
  readonly problems: Problem[] = []
  readonly #flags: ServeFlags
  readonly #env: Readonly<Record<string, string | undefined>>

  constructor(flags: ServeFlags, env: Readonly<Record<string, string | undefined>>) {
    this.#flags = flags
    this.#env = env
  }

  text(option: Option): string {
    return this.#given(option) ?? ''
  }

  integer(option: Option, min: number, max: number): number {
    const text = this.text(option)
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
    if (value >= min && value <= max) return value
    this.#refuse(option, 'integer.range', `must be a whole number from ${min} to ${max}`, text)
    return min
  }

  number(option: Option, min: number, max: number): number {
    const text = this.text(option)
    const value = /^\d{1,15}(\.\d+)?$/.test(text) ? Number(text) : Number.NaN
    if (value >= min && value <= max) return value
    this.#refuse(option, 'number.range', `must be a number of seconds from ${min} to ${max}`, text)
    return min
  }

  choice<Choice extends string>(option: Option, choices: readonly [Choice, ...Choice[]]): Choice {
    const text = this.text(option)
    const choice = choices.find((candidate) => candidate === text)
    if (choice !== undefined) return choice
    this.#refuse(option, 'choice', `must be one of ${choices.join(', ')}`, text)
    return choices[0]
  }

  id(option: Option): string | null {
    const text = this.#given(option)
    if (text === null || isValidId(text)) return text
    this.#refuse(option, 'id', `must be ${ID_RULE}`, text)
    return null
  }

  path(option: Option): string | null {
    const path = this.#given(option)
    return path === null ? null : resolve(path)
  }

  groups(): string[] {
    const groups = this.text('groups')
      .split(',')
      .map((group) => group.trim())
    for (const group of groups) {
      if (!isValidId(group))
        this.#refuse('groups', 'id', `must be names parted by commas, each ${ID_RULE}`, group)
    }
    return [...new Set(groups)]
  }

  history(): Partial<HistoryPolicy> {
    const text = this.#given('history')
    const history = text === null ? {} : parseHistory(text)
    if (history !== null) return history
    this.#refuse('history', 'history', `must be ${HISTORY_RULE}`, text!)
    return {}
  }

  token(): string | null {
    const token = this.#given('token')
    // The value stays out of the message: it is a secret, also when it is wrong.
    if (token !== null && !/^[\x21-\x7e]+$/.test(token)) {
      const message = `${this.#nameOf('token')} must be visible ASCII characters without spaces, but holds others`
      this.problems.push({ path: 'token', rule: 'token.characters', message })
    }
    return token
  }

  #given(option: Option): string | null {
    const flag = this.#flags[option]
    if (typeof flag === 'string') {
      if (flag.trim() === '') {
        this.#refuse(option, 'option.empty', 'must not be empty', flag)
        return SERVE_OPTIONS[option].default
      }
      return flag
    }
    const variable = this.#env[SERVE_OPTIONS[option].variable]
    return variable === undefined || variable.trim() === '' ? SERVE_OPTIONS[option].default : variable
  }

  #nameOf(option: Option): string {
    const { flag, variable } = SERVE_OPTIONS[option]
    return this.#flags[option] === undefined ? variable : flag
  }

  #refuse(option: Option, rule: string, must: string, value: string): void {
    const message = `${this.#nameOf(option)} ${must}, but is ${JSON.stringify(value)}`
    this.problems.push({ path: option, rule, message })
  }
}
