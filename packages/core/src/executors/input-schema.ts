import type { StandardSchemaV1 } from '@standard-schema/spec'
import { FieldChecks } from '../domain/field-checks.js'

/**
 * A Standard Schema over an object with the fields `known`. `read` checks and completes them; what it returns counts
 * only when nothing was found wrong. Every problem is reported, not just the first.
 */
export function inputSchema<Output>(
  known: readonly string[],
  read: (given: Readonly<Record<string, unknown>>, checks: FieldChecks) => Output,
): StandardSchemaV1<unknown, Output> {
  return {
    '~standard': {
      version: 1,
      vendor: 'evertick',
      validate(input) {
        const checks = new FieldChecks()
        const output = checks.object('', input, known) ? read(input, checks) : null
        if (output !== null && checks.problems.length === 0) return { value: output }
        return {
          // Whoever shows an issue shows its path with it.
          issues: checks.problems.map(({ path, message }) =>
            path === '' ? { message, path: [] } : { message: message.slice(path.length + 1), path: [path] },
          ),
        }
      },
    },
  }
}
