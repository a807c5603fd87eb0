import { InvalidError, type Problem } from '../domain/errors.js'
import { isPlainObject } from '../domain/json.js'
import { didYouMean, quote, refuse, unknownFields } from './problems.js'

export const DST_GAPS = ['shift', 'after', 'skip'] as const
export const DST_OVERLAPS = ['auto', 'first', 'last', 'both'] as const

/**
 * What becomes of a local time that the clocks jump over: `shift` reads it with the offset before the jump
 * (02:30 → 03:30), `after` takes the first instant after it (→ 03:00), `skip` leaves it out.
 */
export type DstGap = (typeof DST_GAPS)[number]

/** Which occurrence of a local time that the clocks show twice counts. `auto` is the kind's own rule. */
export type DstOverlap = (typeof DST_OVERLAPS)[number]

/** The `dst` field of a trigger. */
export type DstJson = {
  /** @default 'shift' */
  readonly gap?: DstGap
  /** @default 'auto' */
  readonly overlap?: DstOverlap
}

/** The choice with `auto` decided. */
export interface DstRule {
  readonly gap: DstGap
  readonly overlap: Exclude<DstOverlap, 'auto'>
}

/** What holds for every local time unless a trigger says otherwise. */
export const DST_DEFAULT: DstRule = { gap: 'shift', overlap: 'first' }

/**
 * The rule that a `dst` field states. `auto` is what `overlap: "auto"` stands for here.
 * @throws {InvalidError} INVALID_TRIGGER with problems at `dst` or in it.
 */
export function readDst(value: unknown, auto: DstRule['overlap'] = DST_DEFAULT.overlap): DstRule {
  if (value === undefined) return { gap: DST_DEFAULT.gap, overlap: auto }
  if (!isPlainObject(value)) {
    throw new InvalidError('INVALID_TRIGGER', [
      {
        path: 'dst',
        rule: 'dst.object',
        message: `dst must be an object such as {"gap":"skip","overlap":"last"}, but was ${quote(value)}`,
      },
    ])
  }
  const problems = unknownFields(value, ['gap', 'overlap'], 'dst')
  const gap = readChoice('gap', value.gap, DST_GAPS, problems)
  const overlap = readChoice('overlap', value.overlap, DST_OVERLAPS, problems)
  refuse(problems)
  return { gap, overlap: overlap === 'auto' ? auto : overlap }
}

function readChoice<Choice extends string>(
  field: string,
  value: unknown,
  choices: readonly [Choice, ...Choice[]],
  problems: Problem[],
): Choice {
  if (value === undefined) return choices[0]
  const choice = choices.find((each) => each === value)
  if (choice !== undefined) return choice
  problems.push({
    path: `dst.${field}`,
    rule: `dst.${field}`,
    message:
      `dst.${field} must be one of ${choices.join(', ')}, but was ${quote(value)}` +
      (typeof value === 'string' ? didYouMean(value, choices) : ''),
  })
  return choices[0]
}
