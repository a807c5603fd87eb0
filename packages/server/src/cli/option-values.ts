import { readFile } from 'node:fs/promises'
import { UsageError } from './failures.js'
import { jsonFaultAt } from './json-fault.js'
import { DURATION_RULE, type DurationFields, durationMs, parseDuration } from './time-text.js'

/** The value of a flag that takes JSON. @throws {UsageError} naming the flag and where the JSON breaks. */
export function readJson(option: string, text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    throw new UsageError(`${option} is not JSON: ${jsonComplaint(text)}`)
  }
}

/** The JSON of a file. @throws {UsageError} naming the flag, the file and what is wrong with it. */
export async function readJsonFile(option: string, path: string): Promise<unknown> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    throw new UsageError(`${option} cannot be read: ${(error as Error).message}`)
  }
  return readJson(`${option} ${path}`, text)
}

function jsonComplaint(text: string): string {
  const offset = jsonFaultAt(text)
  if (text.trim() === '') return 'it is empty'
  if (offset === text.length) return 'it ends too early'
  const before = text.slice(0, offset).split('\n')
  const found = JSON.stringify(text.slice(offset, offset + 10).split(/\s/)[0])
  return `${found} cannot stand at line ${before.length}, column ${before.at(-1)!.length + 1}`
}

/** @throws {UsageError} */
export function readDuration(option: string, text: string): DurationFields {
  const fields = parseDuration(text)
  if (fields === null)
    throw new UsageError(`${option} must be ${DURATION_RULE}, but is ${JSON.stringify(text)}`)
  return fields
}

/** @throws {UsageError} */
export function readDurationMs(option: string, text: string): number {
  return durationMs(readDuration(option, text))
}

/** @throws {UsageError} */
export function readCount(option: string, text: string, most: number): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : 0
  if (value >= 1 && value <= most) return value
  throw new UsageError(`${option} must be a whole number from 1 to ${most}, but is ${JSON.stringify(text)}`)
}

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d)$/

/** @throws {UsageError} */
export function readInstant(option: string, text: string): number {
  const at = INSTANT.test(text) ? Date.parse(text) : Number.NaN
  if (!Number.isNaN(at)) return at
  throw new UsageError(
    `${option} must be an instant such as 2026-12-01T09:00:00Z, but is ${JSON.stringify(text)}`,
  )
}

/** @throws {UsageError} naming the choices. */
export function readChoices<Choice extends string>(
  option: string,
  text: string,
  choices: readonly Choice[],
): Choice[] {
  return text.split(',').map((word) => {
    const choice = choices.find((candidate) => candidate === word.trim())
    if (choice !== undefined) return choice
    throw new UsageError(`${option} must be one of ${choices.join(', ')}, but is ${JSON.stringify(word)}`)
  })
}
