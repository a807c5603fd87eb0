import type { FireDecision } from './contract.js'

/** Returns the places of `decisions` in the order in which they compete for slots. */
export function byPriority(decisions: readonly FireDecision[]): number[] {
  const order = decisions.map((_, index) => index)
  const uniform = decisions.every(({ priority }) => priority === decisions[0]!.priority)
  return uniform ? order : order.toSorted((a, b) => decisions[b]!.priority - decisions[a]!.priority)
}
