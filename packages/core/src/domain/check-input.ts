import type { StandardSchemaV1 } from '@standard-schema/spec'
import { InvalidError, type Problem } from './errors.js'
import { shown } from './field-checks.js'
import type { Task } from './task.js'

/**
 * What the task's schema makes of an input; at once where the schema can.
 * @throws {InvalidError} INVALID_INPUT, naming each field; it says `retryable: false`, for the input stays what it is.
 */
export function checkInput(task: Task, input: unknown): unknown {
  const schema = task.inputSchema
  if (schema === null) return input
  const result = schema['~standard'].validate(input)
  return result instanceof Promise
    ? result.then((late) => accepted(task, input, late))
    : accepted(task, input, result)
}

function accepted(task: Task, input: unknown, result: StandardSchemaV1.Result<unknown>): unknown {
  if (result.issues === undefined) return result.value
  throw new InvalidInputError(
    result.issues.map((issue): Problem => {
      // By Array.from: the paths of arktype are arrays of a kind of their own, whose `map` answers another path.
      const path = ['input', ...Array.from(issue.path ?? [], segment)].join('.')
      const value = valueAt(input, issue.path ?? [])
      // Most schemas tell what they found; a value that is missing, or large, would tell nothing.
      const found = isShort(value) && !issue.message.includes(shown(value)) ? ` (it is ${shown(value)})` : ''
      return {
        path,
        rule: 'input.schema',
        message: `${path} does not fit task ${task.name}: ${issue.message}${found}`,
      }
    }),
  )
}

class InvalidInputError extends InvalidError {
  readonly retryable = false

  constructor(problems: readonly Problem[]) {
    super('INVALID_INPUT', problems)
  }
}

function isShort(value: unknown): boolean {
  return (
    value === null || typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean'
  )
}

type PathPart = PropertyKey | { readonly key: PropertyKey }

function segment(part: PathPart): string {
  return String(typeof part === 'object' ? part.key : part)
}

function valueAt(input: unknown, path: readonly PathPart[]): unknown {
  let value = input
  for (const part of path) value = (value as Record<string, unknown> | null | undefined)?.[segment(part)]
  return value
}
