import {
  openStore,
  type EvertickError,
  type ExportCounts,
  type MoveProgress,
  type MoveResult,
  type Store,
} from '@evertick/core'
import type { Command } from 'commander'
import { EXIT } from '../failures.js'
import { untilInterrupted, type CliIo } from '../io.js'
import { Progress } from '../progress.js'
import { requireStore } from '../require-store.js'
import type { CliContext } from './context.js'

// What `export`, `import` and `copy` have in common.

/** What `import` and `copy` are told alike. */
export interface MoveFlags {
  readonly intoExisting?: boolean
  readonly json?: boolean
}

export function withMoveFlags(command: Command): Command {
  return command
    .option(
      '--into-existing',
      'also into a store that holds other things; what has the same id there is replaced',
    )
    .option('--json', 'answer with JSON, and show no progress')
}

/** Runs `body` with a store, and closes it whatever happens. With `create`, a missing one is made. */
export async function useStore<Result>(
  url: string,
  { clock }: CliIo,
  { create }: { readonly create: boolean },
  body: (store: Store) => Promise<Result>,
): Promise<Result> {
  if (!create) await requireStore(url)
  const store = await openStore(url, { clock })
  try {
    return await body(store)
  } finally {
    await store.close()
  }
}

/** What a move needs of whoever starts it. */
export interface MoveControl {
  readonly signal: AbortSignal
  readonly onProgress: (progress: MoveProgress) => void
}

export interface MoveTexts {
  readonly json: boolean
  /** How many schedules there are; `null` where that is not known. */
  readonly total: number | null
  /** What has been done at the end. */
  readonly done: string
  /** How to go on where it was interrupted. */
  readonly again: string
}

/**
 * Carries out a move with a bar on standard error, which `json` leaves out, and tells its result. When it fails or is
 * interrupted, tells how far it came: what is written is whole.
 */
export async function carryOut(
  context: CliContext,
  { json, total, done, again }: MoveTexts,
  move: (control: MoveControl) => Promise<MoveResult>,
): Promise<void> {
  const { io } = context
  const progress = new Progress(io)
  let last: MoveProgress | null = null
  const onProgress = (now: MoveProgress): void => {
    last = now
    if (!json) progress.show(`${now.phase} ${inWords(now.counts)}`, now.counts.schedule, total)
  }
  try {
    const result = await untilInterrupted(io, (signal) => move({ signal, onProgress }))
    progress.clear()
    io.stdout.write(
      json
        ? `${JSON.stringify(result)}\n`
        : `${done}: ${inWords(result.counts)}; verified, digest ${result.digest}\n`,
    )
  } catch (error) {
    progress.clear()
    if (!json) tellHowFar(io, last, again)
    if ((error as EvertickError | { name: string }).name !== 'AbortError') throw error
    context.exitCode = EXIT.interrupted
  }
}

function tellHowFar({ stderr }: CliIo, last: MoveProgress | null, again: string): void {
  if (last === null || last.phase === 'verified') return
  stderr.write(`written so far: ${inWords(last.counts)}; ${again} goes on\n`)
}

const NAMES: Readonly<Record<keyof ExportCounts, readonly [one: string, more: string]>> = {
  schedule: ['schedule', 'schedules'],
  run: ['run', 'runs'],
  calendar: ['calendar', 'calendars'],
  tombstone: ['tombstone', 'tombstones'],
}

/** Schedules always, the rest where there are any. */
function inWords(counts: ExportCounts): string {
  const parts = (Object.keys(NAMES) as (keyof ExportCounts)[])
    .filter((kind) => kind === 'schedule' || counts[kind] > 0)
    .map((kind) => `${counts[kind].toLocaleString('en')} ${NAMES[kind][counts[kind] === 1 ? 0 : 1]}`)
  return parts.join(', ')
}
