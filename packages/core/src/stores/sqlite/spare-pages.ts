import { statfsSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { Connection, Statement } from './driver.js'
import { isFull } from './errors.js'

const MIB = 1024 * 1024
/** So much of a file is free from the beginning. */
const FREE_AT_FIRST_BYTES = 4 * MIB
/** And so much when that is used up: each time costs a checkpoint, which should be rare where much is written. */
const FREE_BYTES = 11 * MIB
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

  /** Before anything is written: adds what a new file has, as far as the disk has room, and makes the log long enough. */
  prepare(): void {
    if (!this.isEnough()) this.replenish(FREE_AT_FIRST_BYTES)
    this.#lengthenLog()
  }

  /**
   * Adds free pages for what is new. Not inside a transaction.
   * Answers `false` where the disk has no room for that.
   */
  replenish(wantedBytes = FREE_BYTES): boolean {
    // Where an earlier attempt met a full disk half-way, or its process died over it, its pages come first.
    if (!this.#release()) return false
    if (this.isEnough()) return true
    const free = this.#freeBytes()
    // What there is room for, in the log and in the file, if not for all.
    const room = Math.floor((this.#diskBytes() - MIB) / 2)
    return room >= LEAST_BYTES - free && this.#fill(Math.min(wantedBytes - free, room)) && this.#release()
  }

  /** Makes the log as long as a step may need, within pages that are free, so that it need not grow later. */
  #lengthenLog(): void {
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
