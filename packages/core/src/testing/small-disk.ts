import { execFileSync } from 'node:child_process'
import { appendFileSync, mkdtempSync, existsSync, rmSync, statSync, truncateSync, unlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const MIB = 1024 * 1024

/** A disk of a few MiB, in memory, which another program can fill. Whoever mounts it unmounts it. */
export class SmallDisk implements Disposable {
  readonly folder: string
  readonly #rival: string

  /** Why there can be none here, or `false`. */
  static isMissing(): string | false {
    try {
      using disk = SmallDisk.mount(1)
      return existsSync(disk.folder) ? false : 'the disk is not there'
    } catch (error) {
      return `a disk can only be mounted by root on Linux: ${error instanceof Error ? error.message : String(error)}`
    }
  }

  static mount(mib: number): SmallDisk {
    const folder = mkdtempSync(join(tmpdir(), 'evertick-disk-'))
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mib}m`, 'tmpfs', folder], { stdio: 'pipe' })
    } catch (error) {
      rmSync(folder, { recursive: true })
      throw error
    }
    return new SmallDisk(folder)
  }

  private constructor(folder: string) {
    this.folder = folder
    this.#rival = join(folder, 'of-another-program')
  }

  /** Another program takes what is left, to the last byte. */
  fill(): void {
    for (let bytes = MIB; bytes >= 1;) {
      try {
        appendFileSync(this.#rival, Buffer.alloc(bytes, 1))
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
        bytes = Math.floor(bytes / 2)
      }
    }
  }

  /** What the other program took is free again. */
  makeRoom(): void {
    unlinkSync(this.#rival)
  }

  /** So much of what it took. */
  leaveRoom(mib: number): void {
    truncateSync(this.#rival, statSync(this.#rival).size - mib * MIB)
  }

  /** Also while files on it are open: then it goes with the last of them. */
  unmount(): void {
    execFileSync('umount', ['-l', this.folder])
    rmSync(this.folder, { recursive: true })
  }

  [Symbol.dispose](): void {
    this.unmount()
  }
}
