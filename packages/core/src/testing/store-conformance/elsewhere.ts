import { exportStore } from '../../moving/export-store.js'
import type { Store } from '../../store/contract.js'
import type { ScheduleExport, StoreExport } from '../../store/exports.js'
import { MemoryStore } from '../../stores/memory/index.js'
import { ManualClock } from '../manual-clock.js'
import { World } from './world.js'

/** Another store, from which things are moved into the one under test: the reference, at the same time of day. */
export async function elsewhere(world: World): Promise<World> {
  const clock = new ManualClock(await world.store.now())
  const store = new MemoryStore({ clock })
  return World.around({
    store,
    second: () => Promise.resolve(store),
    advance: (ms) => clock.advance(ms),
    close: () => store.close(),
  })
}

export async function exported(store: Store, history = true): Promise<StoreExport[]> {
  const items: StoreExport[] = []
  for await (const item of exportStore(store, { history })) items.push(item)
  return items
}

export async function move(from: Store, to: Store, history = true): Promise<void> {
  await to.import(await exported(from, history))
}

export async function exportedSchedule(store: Store, id: string): Promise<ScheduleExport> {
  const found = (await exported(store)).find((item) => item.kind === 'schedule' && item.id === id)
  if (found?.kind !== 'schedule') throw new Error(`there is no schedule ${id}`)
  return found
}
