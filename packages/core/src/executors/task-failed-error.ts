import { EvertickError, type ErrorCode } from '../domain/errors.js'

/** Read by the engine from whatever a handler throws: `false` ends the run without further attempts. */
export interface RetryHint {
  readonly retryable?: boolean
}

/**
 * A task failed in a way that has a code of its own. `retryable: false` says that the same attempt would fail
 * the same way: the run ends, whatever its retry rule.
 */
export class TaskFailedError extends EvertickError implements RetryHint {
  override readonly name = 'TaskFailedError'
  readonly retryable: boolean

  constructor(code: ErrorCode, message: string, options: ErrorOptions & { readonly retryable: boolean }) {
    super(code, message, options)
    this.retryable = options.retryable
  }
}
