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

/** How ready runs are leased to nodes. */
export class Leasing {
  readonly #cells: Cells

  constructor(cells: Cells) {
    this.#cells = cells
  }

  /** @throws {SessionExpiredError} nothing was leased. */
  async claim(dispatch: Dispatch): Promise<ClaimedRun[]> {
    const rows = this.#cells.isOne
      ? await this.#cells.first.run<LeasedRow[]>('claim', { dispatch: dispatchArgs(dispatch) })
      : await this.#claimOverCells(dispatch)
    return rows.map(claimedOf)
  }

  /**
   * First every cell tells what it has ready, then what starts first is leased where it lies. A task's limit holds
   * because a count of what runs everywhere makes each claim be refused that goes by an earlier count.
   */
  async #claimOverCells(dispatch: Dispatch): Promise<LeasedRow[]> {
    const limited = [...dispatch.tasks.values()].some(({ clusterLimit }) => clusterLimit !== null)
    const limitFence = limited ? await this.#cells.first.run<string>('draw-fence', {}) : ''
    const surveys = await this.#cells.everywhere<Survey>('survey', () => ({
      dispatch: dispatchArgs(dispatch),
      limitFence,
    }))
    const known = this.#cells.all.filter((_, i) => surveys[i]![0] === 'known')
    const chosen =
      known.length > 0 ? new Map(known.map((cell) => [cell, []])) : this.#choose(surveys, dispatch)
    const taken = await Promise.all(
      Array.from(chosen, ([cell, members]) =>
        cell.run<LeasedRow[]>('take', {
          dispatch: { ...dispatchArgs(dispatch), slots: members.length },
          limitFence,
          members,
        }),
      ),
    )
    return taken.flat()
  }

  #choose(surveys: readonly Survey[], dispatch: Dispatch): Map<Cell, string[]> {
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
    const chosen = new Map<Cell, string[]>()
    let { slots } = dispatch
    for (const { cell, task, member } of candidates) {
      const room = rooms.get(task)!
      if (slots === 0) break
      if (room <= 0) continue
      rooms.set(task, room - 1)
      slots--
      const members = chosen.get(cell)
      if (members === undefined) chosen.set(cell, [member])
      else members.push(member)
    }
    return chosen
  }
}

export function dispatchArgs({ session, node, requestId, slots, groups, tasks }: Dispatch) {
  return {
    session,
    node,
    request: requestId,
    slots,
    groups,
    tasks: Array.from(tasks, ([task, capacity]) => [task, capacity.slots, capacity.clusterLimit ?? -1]),
  }
}
