import { createHash } from 'node:crypto'
import type { CrontabJob } from './parse.js'

/** A schedule that does what a line of a crontab did. */
export interface CrontabSchedule {
  readonly id: string
  readonly task: 'command'
  readonly trigger: {
    readonly kind: 'cron'
    readonly expression: string
    readonly timezone: string
    readonly dayMatch?: 'and'
  }
  readonly input: {
    readonly program: string
    readonly args: readonly string[]
    readonly env?: Readonly<Record<string, string>>
    readonly cwd?: string
    readonly stdin?: string
  }
  readonly description: string
  /** Cron ends no command, starts one while another is running, and makes up for nothing. */
  readonly timeoutMs: null
  readonly overlap: 'allow'
  readonly catchUp: 'none'
}

export interface ScheduleOptions {
  /** Before each id. */
  readonly prefix: string
  /** Of lines above which the crontab names none. */
  readonly timezone: string
}

const DEFAULT_SHELL = '/bin/sh'
/** Variables that speak to cron, and not to the command. */
const FOR_CRON = new Set([
  'SHELL',
  'CRON_TZ',
  'MAILTO',
  'MAILFROM',
  'CONTENT_TYPE',
  'CONTENT_TRANSFER_ENCODING',
])
const LONGEST_SLUG = 40
const LONGEST_DESCRIPTION = 1000

/**
 * A schedule for each job, in their order. An id is made of the command, so that it stays when the time is edited or
 * lines are moved; a command that stands there twice gets a number from its second time on.
 */
export function crontabSchedules(
  jobs: readonly CrontabJob[],
  { prefix, timezone }: ScheduleOptions,
): CrontabSchedule[] {
  const taken = new Map<string, number>()
  return jobs.map((job) => {
    const base = prefix + idOf(job)
    const times = (taken.get(base) ?? 0) + 1
    taken.set(base, times)
    return scheduleOf(job, times === 1 ? base : `${base}-${times}`, timezone)
  })
}

function scheduleOf(job: CrontabJob, id: string, timezone: string): CrontabSchedule {
  const { expression, command, stdin, user, env } = job
  const passed = Object.fromEntries(Object.entries(env).filter(([name]) => !FOR_CRON.has(name)))
  const origin = `crontab line ${job.line}${user === null ? '' : `, of user ${user}`}: ${command}`
  return {
    id,
    task: 'command',
    trigger: {
      kind: 'cron',
      expression,
      timezone: env['CRON_TZ'] || env['TZ'] || timezone,
      ...(matchesBothDays(expression) ? { dayMatch: 'and' } : {}),
    },
    input: {
      program: env['SHELL'] || DEFAULT_SHELL,
      args: ['-c', command],
      ...(Object.keys(passed).length === 0 ? {} : { env: passed }),
      ...(env['HOME'] ? { cwd: env['HOME'] } : {}),
      ...(stdin === null ? {} : { stdin }),
    },
    description: origin.slice(0, LONGEST_DESCRIPTION),
    timeoutMs: null,
    overlap: 'allow',
    catchUp: 'none',
  }
}

/** Cron takes days in steps of `*` for unrestricted: a date must then match both day fields. */
function matchesBothDays(expression: string): boolean {
  const [, , date = '*', , weekday = '*'] = expression.split(' ')
  if (date === '*' || weekday === '*') return false
  return date.startsWith('*') || weekday.startsWith('*')
}

/** `backup-sh-3f2a91`: the command in letters that an id may have, and a hash of it and its input. */
function idOf({ command, stdin, user }: CrontabJob): string {
  const slug = command
    .replaceAll(/\S*\//g, '')
    .replaceAll(/[^A-Za-z0-9]+/g, '-')
    .slice(0, LONGEST_SLUG)
    .replaceAll(/^-+|-+$/g, '')
    .toLowerCase()
  const hash = createHash('sha256')
    .update(JSON.stringify([command, stdin, user]))
    .digest('hex')
    .slice(0, 6)
  return slug === '' ? hash : `${slug}-${hash}`
}
