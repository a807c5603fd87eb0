import assert from 'node:assert/strict'
import { SIZE_LIMITS } from '../../domain/policies.js'
import type { LogLine } from '../../domain/run.js'
import type { RunUpdate } from '../../store/contract.js'
import type { DeclarePromise } from './promise.js'
import { retryIn, succeeded, type World } from './world.js'

export function logPromises(promise: DeclarePromise): void {
  promise('lines are kept in order, with their level and time', async (world) => {
    const before = await world.store.now()
    const { lease } = await running(world)
    assert.deepEqual(await report(world, lease, ['one', 'two']), [true])
    await world.store.report([
      { ...lease, log: [{ level: 'error', message: 'three\nlines – ü' }], progress: null },
    ])
    const { lines } = await world.store.readLog(lease.runId, { limit: 10 })
    assert.deepEqual(
      lines.map(({ level, message }) => [level, message]),
      [
        ['info', 'one'],
        ['info', 'two'],
        ['error', 'three\nlines – ü'],
      ],
    )
    assert.ok(lines.every((line) => line.at >= before))
  })

  promise('a log is read on from where the last reading ended', async (world) => {
    const { lease } = await running(world)
    await report(world, lease, ['1', '2', '3', '4', '5'])
    const first = await world.store.readLog(lease.runId, { limit: 2 })
    const second = await world.store.readLog(lease.runId, { after: first.position, limit: 2 })
    const third = await world.store.readLog(lease.runId, { after: second.position, limit: 2 })
    assert.deepEqual(
      [first, second, third].map((page) => text(page.lines)),
      [['1', '2'], ['3', '4'], ['5']],
    )
    const atEnd = await world.store.readLog(lease.runId, { after: third.position, limit: 2 })
    assert.deepEqual(atEnd, { lines: [], position: third.position })
    await report(world, lease, ['6'])
    const later = await world.store.readLog(lease.runId, { after: atEnd.position, limit: 2 })
    assert.deepEqual(text(later.lines), ['6'])
  })

  promise('a run without a log, or one that is not there, has an empty one', async (world) => {
    const { id } = await world.waitingRun('quiet')
    assert.deepEqual((await world.store.readLog(id, { limit: 10 })).lines, [])
    assert.deepEqual((await world.store.readLog('nowhere@1', { limit: 10 })).lines, [])
  })

  promise('all attempts write to one log, and it can be read after the end', async (world) => {
    const { lease, again } = await running(world)
    await report(world, lease, ['first'])
    await world.finish(lease, retryIn(0))
    const second = await again()
    await report(world, second, ['second'])
    await world.finish(second, succeeded)
    const { lines } = await world.store.readLog(lease.runId, { limit: 10 })
    assert.deepEqual(text(lines), ['first', 'second'])
  })

  promise('under an older fence, or after the end, nothing is added', async (world) => {
    const { lease, again } = await running(world)
    await world.finish(lease, retryIn(0))
    const update = {
      ...lease,
      log: [{ level: 'info' as const, message: 'late' }],
      progress: { fraction: 1, message: 'late' },
    }
    assert.deepEqual(await world.store.report([update]), [false])
    const second = await again()
    assert.deepEqual(await world.store.report([update, { ...update, fence: second.fence }]), [false, true])
    await world.finish(second, succeeded)
    assert.deepEqual(await world.store.report([{ ...update, fence: second.fence }]), [false])
    const { lines } = await world.store.readLog(lease.runId, { limit: 10 })
    assert.deepEqual(text(lines), ['late'])
  })

  promise('the last progress is kept, with its time', async (world) => {
    const before = await world.store.now()
    const { lease } = await running(world)
    const tell = (progress: RunUpdate['progress']): Promise<boolean[]> =>
      world.store.report([{ ...lease, log: [], progress }])
    await tell({ fraction: 0.25, message: null })
    await tell({ fraction: 0.5, message: 'half' })
    await tell(null)
    const { progress } = await world.run(lease.runId)
    assert.ok(progress && progress.at >= before)
    assert.deepEqual({ ...progress, at: 0 }, { fraction: 0.5, message: 'half', at: 0 })
  })

  promise('a log beyond its limit is cut with a mark, and the run goes on', async (world) => {
    const { lease } = await running(world)
    // In bytes of UTF-8: these are two thirds of the limit in characters, and twice the limit in bytes.
    const line = '€'.repeat(10_000)
    const lines = Math.ceil((2 * SIZE_LIMITS.logPerRun) / 30_000)
    for (let sent = 0; sent < lines; sent += 10) {
      const count = Math.min(10, lines - sent)
      assert.deepEqual(
        await report(
          world,
          lease,
          Array.from({ length: count }, () => line),
        ),
        [true],
      )
    }
    const kept = (await world.store.readLog(lease.runId, { limit: 1000 })).lines
    const bytes = kept.reduce((sum, { message }) => sum + Buffer.byteLength(message), 0)
    assert.ok(bytes <= SIZE_LIMITS.logPerRun + 1024, `${bytes} bytes were kept`)
    assert.ok(bytes >= SIZE_LIMITS.logPerRun - 40_000, `only ${bytes} bytes were kept`)
    assert.equal(kept[0]?.message, line)
    assert.notEqual(kept.at(-1)?.message, line, 'the last line says that there was more')
    assert.equal(kept.at(-1)?.level, 'warn')

    assert.deepEqual(await report(world, lease, ['more']), [true])
    assert.equal((await world.store.readLog(lease.runId, { limit: 1000 })).lines.length, kept.length)
    assert.equal((await world.finish(lease, succeeded)).status, 'succeeded')
  })

  promise('a log that is just full has no mark until there is more', async (world) => {
    const { lease } = await running(world)
    // The break that ends a line counts as well.
    const full = 'x'.repeat(SIZE_LIMITS.logPerRun - 1)
    assert.deepEqual(await report(world, lease, [full]), [true])
    const read = async (): Promise<readonly LogLine[]> =>
      (await world.store.readLog(lease.runId, { limit: 10 })).lines
    assert.deepEqual(
      (await read()).map(({ message }) => message),
      [full],
    )
    assert.deepEqual(await report(world, lease, ['more']), [true])
    assert.deepEqual(
      (await read()).map(({ level }) => level),
      ['info', 'warn'],
    )
  })

  promise('one line longer than the limit leaves a mark, not an error', async (world) => {
    const { lease } = await running(world)
    assert.deepEqual(await report(world, lease, ['x'.repeat(SIZE_LIMITS.logPerRun + 1)]), [true])
    const { lines } = await world.store.readLog(lease.runId, { limit: 10 })
    assert.ok(lines.reduce((sum, { message }) => sum + message.length, 0) <= SIZE_LIMITS.logPerRun + 1024)
    assert.equal(lines.at(-1)?.level, 'warn')
  })
}

type Held = Pick<RunUpdate, 'runId' | 'fence'>

async function running(world: World): Promise<{ lease: Held; again: () => Promise<Held> }> {
  const node = await world.node('a')
  await world.waitingRun('talkative')
  const claim = async (): Promise<Held> => {
    const { runId, fence } = await node.claimOne()
    return { runId, fence }
  }
  return { lease: await claim(), again: claim }
}

function report(world: World, lease: Held, messages: readonly string[]): Promise<boolean[]> {
  return world.store.report([
    { ...lease, log: messages.map((message) => ({ level: 'info', message })), progress: null },
  ])
}

function text(lines: readonly LogLine[]): string[] {
  return lines.map((line) => line.message)
}
