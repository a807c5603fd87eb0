import { spawnSync } from 'node:child_process'
import { rename, writeFile } from 'node:fs/promises'

/** The wall clock of one process, set apart from that of the machine. */
export class NodeClock {
  readonly #path: string

  private constructor(path: string) {
    this.#path = path
  }

  /** `path` is a file of its own; `offset` is as libfaketime reads it: `+5m`, `-1h`. */
  static async create(path: string, offset: string): Promise<NodeClock> {
    const clock = new NodeClock(path)
    await clock.set(offset)
    return clock
  }

  /** To be given to the process. */
  get env(): Record<string, string> {
    return {
      LD_PRELOAD: faketimeLibrary(),
      FAKETIME_TIMESTAMP_FILE: this.#path,
      FAKETIME_NO_CACHE: '1',
      // Only the wall clock may lie: nobody has a monotonic clock that jumps.
      DONT_FAKE_MONOTONIC: '1',
    }
  }

  /** The clock jumps there at once. */
  async set(offset: string): Promise<void> {
    // Renamed into place: the process reads the file all the time.
    await writeFile(`${this.#path}.new`, `${offset}\n`)
    await rename(`${this.#path}.new`, this.#path)
  }
}

/** The command knows where its library is, and preloads it into what it runs. */
function faketimeLibrary(): string {
  const { stdout } = spawnSync('faketime', ['-m', '-f', '+0', 'printenv', 'LD_PRELOAD'], { encoding: 'utf8' })
  if (stdout) return stdout.trim()
  throw new Error('faketime is needed to give nodes false clocks; `npm run test:servers` looks for it')
}
