import { inspect } from 'node:util'
import { type Clock, type Logger, toIso } from '@evertick/core'
import { pino } from 'pino'
import type { LogLevelName } from '../config.js'
import type { Output } from './io.js'
import { oneLine, printable } from './printable.js'
import type { Style } from './style.js'

/** One JSON object per line, for programs that collect logs. */
export function jsonLog(output: Output, level: LogLevelName): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (line: string) => void output.write(line) },
  )
}

const LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const

/** One line per message for somebody who watches, the fields after the sentence. */
export function prettyLog(output: Output, level: LogLevelName, style: Style, clock: Clock): Logger {
  const least = LEVELS.indexOf(level)
  const writer =
    (name: 'debug' | 'info' | 'warn' | 'error') =>
    (fields: object, message: string): void => {
      if (LEVELS.indexOf(name) < least) return
      const label = name.padEnd(5)
      const shownLabel =
        name === 'error' ? style.bad(label) : name === 'warn' ? style.warn(label) : style.dim(label)
      const text = `${style.dim(toIso(clock.now()).slice(11, 23))} ${shownLabel} ${oneLine(message, 500)}`
      output.write(`${text}${style.dim(fieldsText(fields))}\n${name === 'error' ? stackOf(fields) : ''}`)
    }
  return { debug: writer('debug'), info: writer('info'), warn: writer('warn'), error: writer('error') }
}

function fieldsText(fields: object): string {
  return Object.entries(fields)
    .map(([name, value]) => `  ${name}=${oneLine(valueText(value), 200)}`)
    .join('')
}

function valueText(value: unknown): string {
  if (typeof value === 'string') return value
  if (value instanceof Error) return value.message
  return inspect(value, { breakLength: Number.POSITIVE_INFINITY, depth: 2 })
}

function stackOf(fields: object): string {
  const { err } = fields as { err?: unknown }
  return err instanceof Error && err.stack !== undefined ? `${printable(err.stack)}\n` : ''
}
