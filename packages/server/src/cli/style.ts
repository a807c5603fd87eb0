import { styleText } from 'node:util'
import type { RunStatus, ScheduleState } from '@evertick/core'
import type { CliIo, Output } from './io.js'

type Format = Parameters<typeof styleText>[0]

/** Colours, or the text as it is where colours are not wanted. */
export interface Style {
  readonly bold: (text: string) => string
  readonly dim: (text: string) => string
  readonly warn: (text: string) => string
  readonly bad: (text: string) => string
  readonly status: (status: RunStatus | ScheduleState) => string
}

const STATUS_FORMATS: Readonly<Record<RunStatus | ScheduleState, Format>> = {
  pending: 'gray',
  running: 'cyan',
  retrying: 'yellow',
  succeeded: 'green',
  failed: 'red',
  cancelled: 'magenta',
  lost: 'red',
  missed: 'yellow',
  skipped: 'gray',
  active: 'green',
  paused: 'yellow',
  finished: 'gray',
  broken: 'red',
}

export function styleFor(output: Output, env: CliIo['env']): Style {
  const paint = hasColours(output, env)
    ? (format: Format, text: string) => styleText(format, text, { validateStream: false })
    : (_format: Format, text: string) => text
  return {
    bold: (text) => paint('bold', text),
    dim: (text) => paint('gray', text),
    warn: (text) => paint('yellow', text),
    bad: (text) => paint('red', text),
    status: (status) => paint(STATUS_FORMATS[status] ?? 'reset', status),
  }
}

/** FORCE_COLOR decides, then NO_COLOR (https://no-color.org), then whether somebody is looking. */
function hasColours(output: Output, env: CliIo['env']): boolean {
  const forced = env['FORCE_COLOR']
  if (forced !== undefined) return forced !== '0' && forced !== 'false'
  if ((env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb') return false
  return output.isTTY === true
}
