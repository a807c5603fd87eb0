import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'

const CHUNK = 256 * 1024

/** Reads what the handlers wrote, as they write it: one file for each life of a node, in one folder. */
export class Ledger {
  #folder
  #files = new Map()

  constructor(folder) {
    this.#folder = folder
  }

  /** The file of a node's life, or of whoever else writes. */
  pathOf(life) {
    return join(this.#folder, `${life}.jsonl`)
  }

  /** The whole lines that were added since it was last asked, each with the `life` that wrote it. */
  async read() {
    const lines = []
    for (const name of await readdir(this.#folder)) {
      const life = name.slice(0, -'.jsonl'.length)
      for (const line of await this.#added(name)) lines.push({ ...JSON.parse(line), life })
    }
    return lines
  }

  async close() {
    await Promise.all([...this.#files.values()].map(({ handle }) => handle.close()))
  }

  async #added(name) {
    const file = this.#files.get(name) ?? {
      handle: await open(join(this.#folder, name)),
      position: 0,
      rest: '',
    }
    this.#files.set(name, file)
    const buffer = Buffer.alloc(CHUNK)
    let text = file.rest
    for (;;) {
      const { bytesRead } = await file.handle.read(buffer, 0, CHUNK, file.position)
      file.position += bytesRead
      text += buffer.toString('utf8', 0, bytesRead)
      if (bytesRead < CHUNK) break
    }
    const lines = text.split('\n')
    file.rest = lines.pop()
    return lines
  }
}
