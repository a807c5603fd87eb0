import type { Calendar, CalendarName } from '../../domain/calendar.js'
import { EvertickError } from '../../domain/errors.js'
import type {
  CalendarQuery,
  CalendarSnapshot,
  Page,
  PutCalendar,
  PutCalendarResult,
} from '../../store/contract.js'
import { calendarInUse } from '../../store/calendar-in-use.js'
import { decodeCursor, encodeCursor } from '../../store/cursor.js'
import { revisionAfter, sameCalendar } from '../../store/imported-calendar.js'
import type { Cell, Cells } from './cells.js'

type RaiseAnswer = readonly [revision: string, ...users: string[]]

/**
 * Named calendars, in the first cell. Every cell keeps the revision of all of them, to refuse what was computed with
 * other ones. Where there are several cells, a change first raises it in all others: nothing fires by the old calendars
 * from then on, and if the change dies half-way, the next who reads them lets things go on.
 */
export class Calendars {
  readonly #cells: Cells

  constructor(cells: Cells) {
    this.#cells = cells
  }

  async put({ definition, expect }: PutCalendar): Promise<PutCalendarResult> {
    const { name } = definition
    const [outcome, text] = await this.#change(null, (all) =>
      this.#cells.first.run<[string, string]>('put-calendar', {
        name,
        definition: JSON.stringify(definition),
        expect: expect === 'absent' ? 0 : expect,
        all,
      }),
    )
    if (outcome === 'conflict') return { outcome, calendar: text === '' ? null : parse(text) }
    return { outcome: outcome as 'created' | 'updated', calendar: parse(text) }
  }

  /** Writes a calendar of another store; see {@link revisionAfter}. */
  async restore(calendar: Calendar, theirs: number): Promise<void> {
    for (;;) {
      const { calendars, revision } = await this.get([calendar.name])
      const all = revisionAfter(revision, theirs, !sameCalendar(calendars[0]!, calendar))
      if (!this.#cells.isOne) await this.#raiseOthers(all, null)
      const { name } = calendar
      const args = { name, calendar: JSON.stringify(calendar), seen: revision, all }
      if ((await this.#cells.first.run<number>('import-calendar', args)) === 1) return
    }
  }

  async get(names: readonly CalendarName[]): Promise<CalendarSnapshot> {
    for (;;) {
      const [snapshot, highest] = await Promise.all([this.#read(names), this.#raiseOthers(0, null)])
      if (highest.revision <= snapshot.revision) return snapshot
      // A change died half-way. From here on its revision counts, with whatever it left.
      await this.#cells.first.run('raise-calendars', { revision: highest.revision, name: false })
      await this.#raiseOthers(highest.revision, null)
    }
  }

  async #read(names: readonly CalendarName[]): Promise<CalendarSnapshot> {
    const [revision, found] = await this.#cells.first.run<[string, string[]]>('get-calendars', { names })
    return {
      calendars: found.map((text) => (text === '' ? null : parse(text))),
      revision: Number(revision),
    }
  }

  async list({ limit, cursor }: CalendarQuery): Promise<Page<Calendar>> {
    const after = cursor === undefined ? '' : decodeCursor(cursor, ['string'])[0]!
    const rows = await this.#cells.first.run<string[]>('list-calendars', { after, limit: limit + 1 })
    const items = rows.slice(0, limit).map(parse)
    return { items, nextCursor: rows.length > limit ? encodeCursor([items.at(-1)!.name]) : null }
  }

  /** @throws {EvertickError} REVISION_CONFLICT, ILLEGAL_STATE */
  async delete(name: CalendarName, revision: number | undefined): Promise<boolean> {
    const [outcome, ...details] = await this.#change(name, (all, users) =>
      this.#cells.first.run<[string, ...string[]]>('delete-calendar', {
        name,
        revision: revision ?? false,
        all,
        users,
      }),
    )
    if (outcome === 'used') throw calendarInUse(name, details.toSorted())
    if (outcome === 'conflict') {
      throw new EvertickError(
        'REVISION_CONFLICT',
        `Calendar ${name} has revision ${details[0]}, not ${revision}`,
      )
    }
    return outcome === 'deleted'
  }

  /** Which of these are not there; only asked where they do not lie beside the schedules. */
  async missing(names: readonly CalendarName[]): Promise<CalendarName[]> {
    const { calendars } = await this.#read(names)
    return names.filter((_, i) => calendars[i] === null)
  }

  /** `step` is told to which revision the other cells were raised, and is repeated while another change was faster. */
  async #change<Answer extends readonly [string, ...string[]]>(
    name: CalendarName | null,
    step: (all: number | false, users: readonly string[]) => Promise<Answer>,
  ): Promise<Answer> {
    if (this.#cells.isOne) return step(false, [])
    for (;;) {
      const all = (await this.get([])).revision + 1
      const { users } = await this.#raiseOthers(all, name)
      const answer = await step(all, users)
      if (answer[0] !== 'stale') return answer
    }
  }

  async #raiseOthers(
    revision: number,
    name: CalendarName | null,
  ): Promise<{ revision: number; users: string[] }> {
    const others: readonly Cell[] = this.#cells.all.slice(1)
    const answers = await Promise.all(
      others.map((cell) => cell.run<RaiseAnswer>('raise-calendars', { revision, name: name ?? false })),
    )
    return {
      revision: Math.max(0, ...answers.map(([stored]) => Number(stored))),
      users: answers.flatMap(([, ...users]) => users),
    }
  }
}

function parse(text: string): Calendar {
  return JSON.parse(text) as Calendar
}
