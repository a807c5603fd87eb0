import { describe, test } from 'vitest'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { SqliteStore } from '../stores/sqlite/index.js'
import { ManualClock } from './manual-clock.js'
import { storeConformance } from './store-conformance/index.js'
storeConformance({ name: 'sqlite', async open() {
  const dir = await mkdtemp(tmpdir() + '/ev-')
  const clock = new ManualClock()
  const S: any = SqliteStore
  const mk = async () => S.open ? await S.open(dir + '/s.db', { clock }) : new S(dir + '/s.db', { clock })
  const stores: any[] = [await mk()]
  return { store: stores[0], second: async () => { const s = await mk(); stores.push(s); return s }, advance: (ms: number) => clock.advance(ms), close: async () => { for (const s of stores) await s.close(); await rm(dir, { recursive: true }) } }
} }, { describe, test })
