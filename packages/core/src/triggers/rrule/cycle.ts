/** The days after which the calendar comes again: 400 years, which are whole weeks. */
export const CYCLE_DAYS = 146_097

export function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b)
}
