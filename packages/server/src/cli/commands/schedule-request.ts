import { HISTORY_RULE, parseHistory } from '../../history-text.js'
import type { ScheduleRequest } from '../client.js'
import { UsageError } from '../failures.js'
import { readCount, readDuration, readDurationMs, readJson, readJsonFile } from '../option-values.js'

/** What `schedule add` can be told about a schedule. */
export interface DefinitionFlags {
  readonly task?: string
  readonly http?: string
  readonly command?: boolean
  readonly cron?: string
  readonly every?: string
  readonly at?: string
  readonly trigger?: string
  readonly timezone?: string
  readonly input?: string
  readonly inputFile?: string
  readonly overlap?: string
  readonly catchUp?: string
  readonly retry?: string
  readonly timeout?: string
  readonly maxFires?: string
  readonly adaptive?: string
  readonly history?: string
  readonly file?: string
}

/**
 * Makes a schedule of the flags, over what `--file` holds. Only what the flags themselves mean is checked here; the
 * rules of a schedule are with whoever receives it.
 * @throws {UsageError}
 */
export async function scheduleRequest(
  id: string,
  words: readonly string[],
  flags: DefinitionFlags,
): Promise<ScheduleRequest> {
  const base = flags.file === undefined ? {} : await readDefinition(flags.file, id)
  const input = await inputOf(words, flags)
  const trigger = triggerOf(flags)
  const task = flags.task ?? (flags.http !== undefined ? 'http' : flags.command ? 'command' : undefined)
  const request: ScheduleRequest = {
    ...base,
    ...defined({
      task,
      trigger,
      input,
      overlap: flags.overlap,
      catchUp: flags.catchUp,
      retry: flags.retry === undefined ? undefined : retryOf(flags.retry),
      timeoutMs: flags.timeout === undefined ? undefined : timeoutOf(flags.timeout),
      maxFires:
        flags.maxFires === undefined
          ? undefined
          : readCount('--max-fires', flags.maxFires, Number.MAX_SAFE_INTEGER),
      adaptive: flags.adaptive === undefined ? undefined : adaptiveOf(flags.adaptive),
      history: flags.history === undefined ? undefined : historyOf(flags.history),
    }),
    id,
  }
  if (request['task'] === undefined)
    throw new UsageError('what to run is missing: give --task NAME, --http URL, or --command -- PROGRAM ARG…')
  if (request['trigger'] === undefined)
    throw new UsageError('when to run is missing: give --cron, --every, --at or --trigger')
  return request
}

async function readDefinition(path: string, id: string): Promise<Record<string, unknown>> {
  const definition = await readJsonFile('--file', path)
  if (!isPlainObject(definition)) throw new UsageError(`--file ${path} must hold one JSON object`)
  if (definition['id'] !== undefined && definition['id'] !== id)
    throw new UsageError(
      `--file ${path} has the id ${JSON.stringify(definition['id'])}, but the command says ${id}`,
    )
  return definition
}

async function inputOf(words: readonly string[], flags: DefinitionFlags): Promise<unknown> {
  const given =
    flags.inputFile !== undefined
      ? await readJsonFile('--input-file', flags.inputFile)
      : flags.input !== undefined
        ? readJson('--input', flags.input)
        : undefined
  if (!flags.command && words.length > 0)
    throw new UsageError(
      `${JSON.stringify(words[0])} is one argument too many; to run a program, write --command -- PROGRAM ARG…`,
    )
  if (flags.http === undefined && !flags.command) return given
  if (given !== undefined && !isPlainObject(given))
    throw new UsageError('--input must be a JSON object when it is given with --http or --command')
  if (flags.http !== undefined) return { ...given, url: flags.http }
  const [program, ...args] = words
  if (program === undefined)
    throw new UsageError('--command needs a program: write --command -- PROGRAM ARG…')
  return { ...given, program, args }
}

function triggerOf({ cron, every, at, trigger, timezone }: DefinitionFlags): unknown {
  const zone = timezone === undefined ? {} : { timezone }
  if (cron !== undefined) return { kind: 'cron', expression: cron, ...zone }
  if (at !== undefined) return { kind: 'once', at, ...zone }
  if (timezone !== undefined) throw new UsageError('--timezone belongs to --cron or --at')
  if (every !== undefined) return { kind: 'interval', every: readDuration('--every', every) }
  return trigger === undefined ? undefined : readJson('--trigger', trigger)
}

function retryOf(text: string): unknown {
  return text === 'none' ? null : readJson('--retry', text)
}

function timeoutOf(text: string): number | null {
  return text === 'none' ? null : readDurationMs('--timeout', text)
}

function adaptiveOf(text: string): unknown {
  if (text === 'none') return null
  return text.trimStart().startsWith('{')
    ? readJson('--adaptive', text)
    : { maxIntervalMs: readDurationMs('--adaptive', text) }
}

function historyOf(text: string): unknown {
  const history = parseHistory(text)
  if (history === null)
    throw new UsageError(`--history must be ${HISTORY_RULE}, but is ${JSON.stringify(text)}`)
  return history
}

function defined(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
