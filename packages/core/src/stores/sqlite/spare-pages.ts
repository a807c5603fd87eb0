import { statfsSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { Connection, Statement } from './driver.js'
import { isFull } from './errors.js'

const MIB = 1024 * 1024
/** So much of the file is kept free. */
const KEPT_BYTES = 4 * MIB
/**
 * What of it is for what ends runs and deletes: below this, what is new waits until more is free. It is also the least
 * length of the log, into which a step has to fit on a full disk.
 */
const LEAST_BYTES = 3 * MIB

/**
 * Free pages inside the file, so that what ends runs and deletes finds room on a disk that is full, whoever filled it.
 * A page that is new to the file is not there before a checkpoint has written it: where the disk has no room for that, the
 * log can never begin anew, and in the end nothing can be written at all. So what is new takes only pages that are
 * there, and the file grows in steps of its own, each of which is written through to the disk. Then a checkpoint always
 * succeeds, and the log goes on in the room that it has.
 */
export class SparePages {
  readonly #path: string
  readonly #connection: Connection
  readonly #pageBytes: number
  readonly #freePages: Statement
  readonly #allPages: Statement
  readonly #checkpoint: Statement

  constructor(path: string, connection: Connection) {
    this.#path = path
    this.#connection = connection
    this.#pageBytes = numberOf(connection.prepare('PRAGMA page_size'))
    this.#freePages = connection.prepare('PRAGMA freelist_count')
    this.#allPages = connection.prepare('PRAGMA page_count')
    this.#checkpoint = connection.prepare('PRAGMA wal_checkpoint(PASSIVE)')
  }

  /** How many pages the file has, with those that the present transaction adds. */
  pages(): number {
    return numberOf(this.#allPages)
  }

  /** Whether what is new may be written without taking from what is kept. */
  isEnough(): boolean {
    return this.#freeBytes() >= LEAST_BYTES
  }

  /** Whether the disk has room for pages that a transaction adds beyond the free ones, in the log and in the file. */
  hasRoomFor(pages: number): boolean {
    return this.#diskBytes() >= 2 * pages * this.#pageBytes
  }

  /**
   * Adds free pages until as many are there as are kept. Not inside a transaction.
   * Answers `false` where the disk has no room for that.
   */
  replenish(): boolean {
    // Where an earlier attempt met a full disk half-way, its pages come first.
    if (!this.#release()) return false
    const missing = KEPT_BYTES - this.#freeBytes()
    if (missing <= 0) return true
    if (this.#diskBytes() < 2 * missing + MIB) return false
    return this.#fill(missing) && this.#release()
  }

  /** Makes the log as long as what is kept, within pages that are free, so that it need not grow later. */
  lengthenLog(): void {
    const log = statSync(`${this.#path}-wal`, { throwIfNoEntry: false })?.size ?? 0
    if (log < LEAST_BYTES && this.isEnough() && this.#fill(LEAST_BYTES)) this.#release()
  }

  /** Moves what the log holds into the file, as far as readers let it, so that the log can begin anew. */
  emptyLog(): void {
    try {
      this.#checkpoint.get()
    } catch (error) {
      if (!isFull(error)) throw error
    }
  }

  #fill(bytes: number): boolean {
    try {
      this.#connection.prepare('INSERT INTO spare VALUES (zeroblob(?))').run(bytes)
      return true
    } catch (error) {
      if (isFull(error)) return false
      throw error
    }
  }

  /** Frees pages that are filled, once they are in the file: what is free is there, and can be counted on. */
  #release(): boolean {
    if (this.#connection.prepare('SELECT 1 FROM spare').get() === undefined) return true
    try {
      // A reader may hold it up: then the next one writes them, and there was room for that a moment ago.
      this.#checkpoint.get()
      this.#connection.exec('DELETE FROM spare')
      return true
    } catch (error) {
      if (isFull(error)) return false
      throw error
    }
  }

  #freeBytes(): number {
    return numberOf(this.#freePages) * this.#pageBytes
  }

  #diskBytes(): number {
    const { bavail, bsize } = statfsSync(dirname(resolve(this.#path)))
    return bavail * bsize
  }
}

function numberOf(pragma: Statement): number {
  return Object.values(pragma.get() as Record<string, number>)[0]!
}
