import type { TaskName } from '../../domain/ids.js'
import type { ClaimedRun, Dispatch } from '../../store/contract.js'
import type { Cell, Cells } from './cells.js'
import { claimedOf, type LeasedRow } from './rows.js'

type Survey = readonly ['known'] | readonly ['new', candidates: readonly string[], running: readonly string[]]

interface Candidate {
  readonly cell: Cell
  readonly task: string
  readonly score: number
  readonly member: string
}

const MOST_TRIES = 10

/** How ready runs are leased to nodes. */
export class Leasing {
  readonly #cells: Cells

  constructor(cells: Cells) {
    this.#cells = cells
  }

  /**
   * `givenUp`: how many calls with a dispatch this process has given up so far.
   * @throws {SessionExpiredError} nothing was leased.
   */
  async claim(dispatch: Dispatch, givenUp: number): Promise<ClaimedRun[]> {
    const rows = this.#cells.isOne
      ? await this.#cells.first.run<LeasedRow[]>('claim', { dispatch: dispatchArgs(dispatch, givenUp) })
      : await this.#claimOverCells(dispatch, givenUp)
    return rows.map(claimedOf)
  }

  /**
   * First every cell tells what it has ready, then as much is leased where it lies. A task's limit holds because a count
   * of what runs everywhere makes each claim be refused that goes by an earlier count.
   */
  async #claimOverCells(dispatch: Dispatch, givenUp: number): Promise<LeasedRow[]> {
    const limited = [...dispatch.tasks.values()].some(({ clusterLimit }) => clusterLimit !== null)
    for (let tries = 1; ; tries++) {
      const limitFence = limited ? await this.#cells.first.run<string>('draw-fence', {}) : ''
      const args = dispatchArgs(dispatch, givenUp)
      const surveys = await this.#cells.everywhere<Survey>('survey', () => ({ dispatch: args, limitFence }))
      const known = this.#cells.all.filter((_, i) => surveys[i]![0] === 'known')
      const quotas =
        known.length > 0 ? new Map(known.map((cell) => [cell, new Map()])) : this.#divide(surveys, dispatch)
      const taken = await Promise.all(
        Array.from(quotas, ([cell, quota]) =>
          cell.run<LeasedRow[]>('take', { ...takeArgs(dispatch, givenUp, quota), limitFence }),
        ),
      )
      const rows = taken.flat()
      // Others were faster: as long as nothing was leased to this request, it may ask anew.
      if (rows.length > 0 || quotas.size === 0 || known.length > 0 || tries === MOST_TRIES) return rows
    }
  }

  /** How many of which task to take where, so that those that start first are among them. */
  #divide(surveys: readonly Survey[], dispatch: Dispatch): Map<Cell, Map<TaskName, number>> {
    const candidates: Candidate[] = []
    const rooms = new Map(Array.from(dispatch.tasks, ([task, { slots }]) => [task, slots]))
    const running = new Map<string, number>()
    for (const [i, [, found = [], held = []]] of surveys.entries()) {
      const cell = this.#cells.all[i]!
      for (let j = 0; j < found.length; j += 3)
        candidates.push({ cell, task: found[j]!, score: Number(found[j + 1]), member: found[j + 2]! })
      for (let j = 0; j < held.length; j += 2)
        running.set(held[j]!, (running.get(held[j]!) ?? 0) + Number(held[j + 1]))
    }
    for (const [task, { slots, clusterLimit }] of dispatch.tasks) {
      if (clusterLimit !== null) rooms.set(task, Math.min(slots, clusterLimit - (running.get(task) ?? 0)))
    }
    candidates.sort((a, b) => a.score - b.score || (a.member < b.member ? -1 : 1))
    const quotas = new Map<Cell, Map<TaskName, number>>()
    let { slots } = dispatch
    for (const { cell, task } of candidates) {
      const room = rooms.get(task)!
      if (slots === 0) break
      if (room <= 0) continue
      rooms.set(task, room - 1)
      slots--
      const quota = quotas.get(cell) ?? new Map<TaskName, number>()
      quotas.set(cell, quota.set(task, (quota.get(task) ?? 0) + 1))
    }
    return quotas
  }
}

function takeArgs(dispatch: Dispatch, givenUp: number, quota: ReadonlyMap<TaskName, number>) {
  const tasks = [...dispatch.tasks].filter(([task]) => quota.has(task))
  const slots = [...quota.values()].reduce((sum, count) => sum + count, 0)
  return {
    dispatch: {
      ...dispatchArgs(dispatch, givenUp),
      slots,
      tasks: tasks.map(([task, { clusterLimit }]) => [task, quota.get(task), clusterLimit ?? -1]),
    },
  }
}

export function dispatchArgs({ session, node, requestId, slots, groups, tasks }: Dispatch, givenUp: number) {
  return {
    session,
    node,
    request: requestId,
    givenUp,
    slots,
    groups,
    tasks: Array.from(tasks, ([task, capacity]) => [task, capacity.slots, capacity.clusterLimit ?? -1]),
  }
}
