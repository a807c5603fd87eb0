import { EvertickError, type ErrorCode } from '../domain/errors.js'

/**
 * A task failed in a way that has a code of its own. `retryable: false` says that the same attempt would fail
 * the same way: the engine reads it from any error, and ends the run, whatever its retry rule.
 */
export class TaskFailedError extends EvertickError {
  override readonly name = 'TaskFailedError'
  readonly retryable: boolean

  constructor(code: ErrorCode, message: string, options: ErrorOptions & { readonly retryable: boolean }) {
    super(code, message, options)
    this.retryable = options.retryable
  }
}
