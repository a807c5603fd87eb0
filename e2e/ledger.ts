import { readFile } from 'node:fs/promises'

/** What a node wrote of an attempt, in the order in which it happened. */
export interface LedgerLine {
  readonly event: 'start' | 'end' | 'accepted' | 'refused'
  readonly node: string
  readonly run: string
  readonly attempt: number
  readonly fence: number
  readonly at: number
}

export async function readLedger(path: string): Promise<LedgerLine[]> {
  const text = await readFile(path, 'utf8')
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as LedgerLine)
}
