import type { RunError } from '../domain/run.js'

const CODE = /^[A-Z][A-Z0-9_]{0,63}$/
const LONGEST_MESSAGE = 4096
const LONGEST_STACK = 8192
const UNREADABLE = 'Threw a value that cannot be shown'

/** What a run keeps of anything that a handler may throw. Never throws itself, whatever reading that value does. */
export function runErrorOf(thrown: unknown): RunError {
  try {
    return thrown instanceof Error
      ? fromError(thrown)
      : { code: 'HANDLER_FAILED', message: cut(describe(thrown), LONGEST_MESSAGE) }
  } catch {
    return { code: 'HANDLER_FAILED', message: UNREADABLE }
  }
}

function fromError(thrown: Error): RunError {
  const { code, stack } = thrown as { code?: unknown; stack?: unknown }
  const error = {
    code: typeof code === 'string' && CODE.test(code) ? code : 'HANDLER_FAILED',
    message: cut(String(thrown.message || thrown.name), LONGEST_MESSAGE),
  }
  return typeof stack === 'string' ? { ...error, stack: cut(stack, LONGEST_STACK) } : error
}

/** A handler ends the retries with `NonRetryableError`, or with any error that says `retryable: false`. */
export function isRetryable(thrown: unknown): boolean {
  try {
    const { name, retryable } = (thrown ?? {}) as { name?: unknown; retryable?: unknown }
    // By name: the handler may have its own copy of this package.
    return name !== 'NonRetryableError' && retryable !== false
  } catch {
    return true
  }
}

function describe(thrown: unknown): string {
  try {
    return typeof thrown === 'string' ? thrown : `Threw ${JSON.stringify(thrown) ?? String(thrown)}`
  } catch {
    return UNREADABLE
  }
}

function cut(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length - 1)}…` : text
}
