/** Which handlers run where, and who goes on with what a node left behind. */
export class Held {
  #told
  /** By run: the life of a node whose handler began and has not ended. */
  #runs = new Map()
  /** By life of a node that was killed or frozen: the runs that nobody has gone on with, and who did with the others. */
  #orphans = new Map()

  constructor(told) {
    this.#told = told
  }

  began(run, life, at) {
    const before = this.#runs.get(run)
    this.#runs.set(run, { life, at })
    if (before !== undefined && before.life !== life) this.#noLongerOf(before.life, run, { life, at })
  }

  ended(run, life) {
    if (this.#runs.get(run)?.life !== life) return
    this.#runs.delete(run)
    this.#noLongerOf(life, run, null)
  }

  /** The runs of a life, the longest first. */
  of(life) {
    return [...this.#runs]
      .filter(([, held]) => held.life === life)
      .toSorted(([, a], [, b]) => a.at - b.at)
      .map(([run]) => run)
  }

  /** This life cannot go on with its runs; answers how many there are. */
  orphaned(life) {
    const runs = this.of(life)
    if (runs.length > 0) this.#orphans.set(life, { since: Date.now(), runs: new Set(runs), takers: [] })
    return runs.length
  }

  /** `taker`: the life that went on with it, and when; `null` where the one that had it came to an end after all. */
  #noLongerOf(life, run, taker) {
    const orphans = this.#orphans.get(life)
    if (!orphans?.runs.delete(run)) return
    if (taker !== null) orphans.takers.push(taker)
    if (orphans.runs.size > 0) return
    this.#orphans.delete(life)
    if (orphans.takers.length > 0) this.#told('good', takenOver(life, orphans))
  }
}

function takenOver(life, { since, takers }) {
  const counts = new Map()
  for (const { life } of takers) counts.set(nodeOf(life), (counts.get(nodeOf(life)) ?? 0) + 1)
  const by = [...counts].map(([node, count]) => (counts.size === 1 ? node : `${node} (${count})`)).join(', ')
  const seconds = (Math.max(...takers.map(({ at }) => at - since)) / 1000).toFixed(1)
  const what = takers.length === 1 ? 'the run' : `the ${takers.length} runs`
  return `${what} of ${nodeOf(life)} went on at ${by} within ${seconds} s`
}

function nodeOf(life) {
  return life.split('.')[0]
}
