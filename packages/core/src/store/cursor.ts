import { InvalidError } from '../domain/errors.js'

/** A position in a list as opaque text. */
export function encodeCursor(position: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url')
}

/** @throws {InvalidError} INVALID_QUERY for text that {@link encodeCursor} did not make for this kind of list. */
export function decodeCursor(cursor: string, shape: readonly ('string' | 'number')[]): (string | number)[] {
  try {
    const position: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString())
    if (
      Array.isArray(position) &&
      position.length === shape.length &&
      position.every((part, i) => typeof part === shape[i])
    ) {
      return position as (string | number)[]
    }
  } catch {
    // Not JSON: refused below like any other text that is not ours.
  }
  throw new InvalidError('INVALID_QUERY', [
    {
      path: 'cursor',
      rule: 'cursor',
      message: `cursor must be the nextCursor of an earlier page of the same list, but is ${cursor.slice(0, 60)}`,
    },
  ])
}
