const KEPT_SECONDS = 120

/** Counts what handlers began, by the second. */
export class Figures {
  #seconds = new Map()
  #firstSecond = Infinity
  /** How late the first attempts of runs began, by whole milliseconds: how many. */
  #lateness = new Map()
  #latenessAway = new Map()

  /**
   * A handler began on `node`, `lateMs` after its fire time where it was the first of its run. `wasAway`: the store was not
   * there when that fell due.
   */
  began(node, at, lateMs, wasAway) {
    const second = this.#secondOf(at)
    second.byNode.set(node, (second.byNode.get(node) ?? 0) + 1)
    if (lateMs === null) return
    second.lateness.push(lateMs)
    const all = wasAway ? this.#latenessAway : this.#lateness
    all.set(lateMs, (all.get(lateMs) ?? 0) + 1)
  }

  /** How many began on `node` in each of the last `count` whole seconds, oldest first; `null` before the very first. */
  rates(node, count, now) {
    return this.#last(count, now, (second) => second?.byNode.get(node) ?? 0)
  }

  /** The same of all nodes together. */
  totals(count, now) {
    return this.#last(count, now, (second) => sum(second?.byNode.values() ?? []))
  }

  /** The 99th percentile of the lateness in each of the last seconds; `null` where nothing began. */
  p99s(count, now) {
    return this.#last(count, now, (second) => percentile(second?.lateness ?? [], 0.99))
  }

  /** Of the last `count` whole seconds; `null` where nothing began. */
  lateness(count, now) {
    const all = this.#last(count, now, (second) => second?.lateness ?? []).flatMap((each) => each ?? [])
    return { p50: percentile(all, 0.5), p99: percentile(all, 0.99) }
  }

  /** Of all that fell due while the store was there. */
  get latenessInAll() {
    return spread(this.#lateness)
  }

  /** Of all that fell due while it was not. */
  get latenessAway() {
    return spread(this.#latenessAway)
  }

  #secondOf(at) {
    const number = Math.floor(at / 1000)
    this.#firstSecond = Math.min(this.#firstSecond, number)
    let second = this.#seconds.get(number)
    if (second === undefined) {
      second = { byNode: new Map(), lateness: [] }
      this.#seconds.set(number, second)
      for (const old of this.#seconds.keys()) if (old < number - KEPT_SECONDS) this.#seconds.delete(old)
    }
    return second
  }

  #last(count, now, of) {
    const current = Math.floor(now / 1000)
    return Array.from({ length: count }, (_, i) => {
      const number = current - count + i
      return number < this.#firstSecond ? null : of(this.#seconds.get(number))
    })
  }
}

function sum(numbers) {
  return [...numbers].reduce((total, number) => total + number, 0)
}

function percentile(values, part) {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length * part)] ?? null
}

/** Of values that are given as how often each occurred. */
function spread(counts) {
  const sorted = [...counts].toSorted(([a], [b]) => a - b)
  const total = sum(counts.values())
  const at = (part) => {
    let seen = 0
    return sorted.find(([, count]) => (seen += count) > total * part)?.[0] ?? null
  }
  return { p50: at(0.5), p99: at(0.99), max: sorted.at(-1)?.[0] ?? null }
}
