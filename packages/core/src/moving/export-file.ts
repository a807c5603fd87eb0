import { systemClock, toIso, type Clock } from '../domain/clock.js'
import { EvertickError, InvalidError, type Problem } from '../domain/errors.js'
import { shown } from '../domain/field-checks.js'
import { isPlainObject } from '../domain/json.js'
import type { Store } from '../store/contract.js'
import type { StoreExport } from '../store/exports.js'
import { VERSION } from '../version.js'
import { exportProblems } from './export-checks.js'
import { ExportDigest, type ExportCounts } from './export-digest.js'
import { exportStore, type ExportOptions } from './export-store.js'

/** Of the format, not of the release: a newer one is refused. */
const EXPORT_VERSION = 1

/** The first line of an export. */
export interface ExportHeader {
  readonly evertick: 'export'
  readonly version: number
  readonly release: string
  readonly exportedAt: string
  readonly history: boolean
}

/** The last line: without it, the export was cut off. Who changes one by hand leaves out the digest and the counts. */
export interface ExportEnd {
  readonly evertick: 'end'
  readonly counts?: ExportCounts
  readonly digest?: string
}

/** The lines of a file that {@link readExport} reads, each with its line feed. */
export async function* exportLines(
  store: Store,
  options: ExportOptions & { readonly clock?: Clock } = {},
): AsyncGenerator<string, ExportEnd> {
  const { clock = systemClock, history = false } = options
  const header: ExportHeader = {
    evertick: 'export',
    version: EXPORT_VERSION,
    release: VERSION,
    exportedAt: toIso(clock.now()),
    history,
  }
  yield `${JSON.stringify(header)}\n`
  const digest = new ExportDigest()
  for await (const item of exportStore(store, options)) {
    digest.add(item)
    yield `${JSON.stringify(item)}\n`
  }
  const end: ExportEnd = { evertick: 'end', counts: digest.counts, digest: digest.value }
  yield `${JSON.stringify(end)}\n`
  return end
}

/**
 * Reads what {@link exportLines} wrote; `input` is its bytes or text in pieces of any size. The items are examined one by
 * one, each before it is handed on.
 * @throws {EvertickError} EXPORT_VERSION; {@link InvalidError} INVALID_EXPORT, naming the line: here for the first line,
 * and from `items` for any other, or when the last one is missing or does not fit what came before it.
 */
export async function readExport(
  input: AsyncIterable<Uint8Array | string>,
): Promise<{ header: ExportHeader; items: AsyncGenerator<StoreExport, void> }> {
  const lines = linesOf(input)
  const first = await lines.next()
  const header = headerOf(first.done === true ? '' : first.value)
  return { header, items: itemsOf(lines) }
}

function headerOf(line: string): ExportHeader {
  const header = parsed(line, 1)
  if (!isPlainObject(header) || header['evertick'] !== 'export' || !Number.isSafeInteger(header['version']))
    throw refusal(1, [
      {
        path: '',
        rule: 'header',
        message: `must be the first line of an export of Evertick, but is ${shown(header)}`,
      },
    ])
  if ((header['version'] as number) > EXPORT_VERSION)
    throw new EvertickError(
      'EXPORT_VERSION',
      `The export has format ${String(header['version'])}, but this release of Evertick knows only up to ${EXPORT_VERSION}; use a newer release`,
    )
  return { ...header, history: header['history'] === true } as ExportHeader
}

async function* itemsOf(lines: AsyncGenerator<string, void>): AsyncGenerator<StoreExport, void> {
  const digest = new ExportDigest()
  let number = 1
  for await (const line of lines) {
    number++
    if (line.trim() === '') continue
    const value = parsed(line, number)
    if (isPlainObject(value) && value['evertick'] === 'end') {
      assertWhole(value, digest, number)
      return
    }
    const problems = exportProblems(value)
    if (problems.length > 0) throw refusal(number, problems)
    digest.add(value as StoreExport)
    yield value as StoreExport
  }
  throw refusal(number, [
    { path: '', rule: 'end', message: 'is not the last line of an export: it was cut off' },
  ])
}

function assertWhole(end: Record<string, unknown>, found: ExportDigest, number: number): void {
  const { counts, digest } = end
  const { counts: read } = found
  const problems: Problem[] = []
  for (const kind of Object.keys(read) as (keyof ExportCounts)[]) {
    const expected = isPlainObject(counts) ? counts[kind] : read[kind]
    if (expected !== read[kind])
      problems.push({
        path: `counts.${kind}`,
        rule: 'count',
        message: `counts.${kind} must be how many there are (${read[kind]}), but is ${shown(expected)}`,
      })
  }
  if (problems.length === 0 && digest !== undefined && digest !== found.value)
    problems.push({
      path: 'digest',
      rule: 'digest',
      message: `digest must be that of the lines above (${found.value}), but is ${shown(digest)}`,
    })
  if (problems.length > 0) throw refusal(number, problems)
}

function parsed(line: string, number: number): unknown {
  try {
    return JSON.parse(line)
  } catch {
    throw refusal(number, [{ path: '', rule: 'json', message: `must be JSON, but is ${shown(line)}` }])
  }
}

function refusal(line: number, problems: readonly Problem[]): InvalidError {
  return new InvalidError(
    'INVALID_EXPORT',
    problems.map(({ path, rule, message }) => ({
      path: path === '' ? `line ${line}` : `line ${line}: ${path}`,
      rule,
      message: `line ${line}: ${message}`,
    })),
  )
}

/** A schedule with thousands of open runs, each with its input, is one line; no more than this is held in memory. */
const LONGEST_LINE = 256 * 1024 * 1024

async function* linesOf(input: AsyncIterable<Uint8Array | string>): AsyncGenerator<string, void> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const piece of input) {
    const lines = (typeof piece === 'string' ? piece : decoder.decode(piece, { stream: true })).split('\n')
    lines[0] = rest + lines[0]!
    rest = lines.pop()!
    if (rest.length > LONGEST_LINE)
      throw refusal(1, [{ path: '', rule: 'size', message: 'a line is too long' }])
    yield* lines
  }
  rest += decoder.decode()
  if (rest !== '') yield rest
}
