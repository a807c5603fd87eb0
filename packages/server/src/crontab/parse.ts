/** A job of a crontab, as written. */
export interface CrontabJob {
  /** Counted from 1. */
  readonly line: number
  /** Five fields separated by single blanks, or a macro such as `@daily`. */
  readonly expression: string
  /** Whom the command runs as; only the system format says. */
  readonly user: string | null
  /** For the shell. */
  readonly command: string
  /** What follows the first `%`: the input of the command. */
  readonly stdin: string | null
  /** The variables that were set above it, as they were there. */
  readonly env: Readonly<Record<string, string>>
}

/** A line that says nothing that can be taken over. */
export interface CrontabRefusal {
  readonly line: number
  readonly text: string
  readonly reason: string
}

export interface Crontab {
  readonly jobs: readonly CrontabJob[]
  readonly refusals: readonly CrontabRefusal[]
}

export type CrontabFormat = 'user' | 'system'

// A name, bare or in quotes, and a value that may be in quotes as a whole.
const ASSIGNMENT = /^(?:([A-Za-z_][A-Za-z0-9_]*)|"([^"]+)"|'([^']+)')[ \t]*=[ \t]*(.*)$/
const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/

/**
 * Reads a crontab: comments, variables, jobs of five fields or a macro, and in the system format the user before the
 * command. Lines that cannot be read are refused one by one. Times are checked by whoever schedules them.
 * @see crontab(5)
 */
export function parseCrontab(text: string, format: CrontabFormat): Crontab {
  const jobs: CrontabJob[] = []
  const refusals: CrontabRefusal[] = []
  const variables = new Map<string, string>()
  // The same object for all jobs between two assignments.
  let env: Readonly<Record<string, string>> = {}
  for (const [index, raw] of text.split('\n').entries()) {
    const line = index + 1
    const content = raw.replace(/\r$/, '').trim()
    if (content === '' || content.startsWith('#')) continue
    const assignment = ASSIGNMENT.exec(content)
    if (assignment !== null) {
      const name = (assignment[1] ?? assignment[2] ?? assignment[3])!
      if (ENV_NAME.test(name)) {
        variables.set(name, unquoted(assignment[4]!))
        env = Object.fromEntries(variables)
      } else
        refusals.push({
          line,
          text: content,
          reason: `${JSON.stringify(name)} is not the name of a variable`,
        })
      continue
    }
    const job = jobOf(content, format)
    if (typeof job === 'string') refusals.push({ line, text: content, reason: job })
    else jobs.push({ line, ...job, env })
  }
  return { jobs, refusals }
}

/** The parts of a job, or why it is none. */
function jobOf(content: string, format: CrontabFormat): Omit<CrontabJob, 'line' | 'env'> | string {
  const words = content.startsWith('@') ? 1 : 5
  const system = format === 'system'
  const parts = cutWords(content, words + (system ? 1 : 0))
  const [first] = parts.words
  if (first?.toLowerCase() === '@reboot') {
    return '@reboot names no time: start the program with the machine, by systemd or another supervisor'
  }
  if (parts.words.length < words) {
    return `a job has ${words} fields of time and then a command, but this has ${parts.words.length}`
  }
  if (system && parts.words.length === words) return 'the user and the command are missing after the time'
  if (parts.rest === '') return `the command is missing after the ${system ? 'user' : 'time'}`
  const { command, stdin } = splitAtPercent(parts.rest)
  if (command.trim() === '') return 'the command is missing before the %'
  const expression = parts.words.slice(0, words).join(' ')
  // Macros are written in small letters; cron takes them in any.
  return {
    expression: words === 1 ? expression.toLowerCase() : expression,
    user: system ? parts.words[words]! : null,
    command,
    stdin,
  }
}

/** The first `count` words, or as many as there are, and what follows them. */
function cutWords(content: string, count: number): { words: string[]; rest: string } {
  const words: string[] = []
  let rest = content
  while (words.length < count && rest !== '') {
    const end = rest.search(/[ \t]/)
    words.push(end === -1 ? rest : rest.slice(0, end))
    rest = end === -1 ? '' : rest.slice(end).trimStart()
  }
  return { words, rest }
}

/** The first `%` begins the input of the command, the others are its line breaks; `\%` is a percent sign. */
function splitAtPercent(text: string): { command: string; stdin: string | null } {
  const lines: string[] = []
  let current = ''
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '\\' && text[i + 1] === '%') {
      current += '%'
      i++
    } else if (text[i] === '%') {
      lines.push(current)
      current = ''
    } else {
      current += text[i]
    }
  }
  const [command, ...input] = [...lines, current]
  return { command, stdin: input.length === 0 ? null : `${input.join('\n')}\n` }
}

function unquoted(value: string): string {
  const text = value.trim()
  const quote = text[0]
  const isQuoted = text.length > 1 && (quote === '"' || quote === "'") && text.endsWith(quote)
  return isQuoted ? text.slice(1, -1) : text
}
