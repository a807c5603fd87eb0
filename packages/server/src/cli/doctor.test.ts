import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openStore, systemClock, TZDATA } from '@evertick/core'
import { answered, cli } from '../testing/test-cli.js'
import { EVERY_HOUR, testServer } from '../testing/test-server.js'

test('a server that does its work is healthy', async () => {
  await using server = await testServer()
  await server.scheduler.start()
  await server.create({ id: 'hourly', task: 'ok', trigger: EVERY_HOUR })
  // Its first heartbeat may still be on its way.
  while ((await server.scheduler.listNodes()).length === 0)
    await new Promise<void>((resolve) => void setImmediate(resolve))
  const url = await server.app.listen({ port: 0 })
  const { code, out, err } = await cli(['doctor', '--server', url])
  expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(out.trim().split('\n')).toHaveLength(10)
  expect(out).toContain(`ok     time zone data: all nodes use ${TZDATA}\n`)
  expect(answered(await cli(['doctor', '--server', url, '--json']))).toMatchObject({ healthy: true })
})

test('a store in trouble is told what is wrong with it, with exit code 1', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'evertick-doctor-'))
  try {
    const url = `sqlite:${join(folder, 'store.db')}`
    const store = await openStore(url)
    const at = (await store.now()) - 120_000
    const definition = { id: 'late', task: 'mail', trigger: EVERY_HOUR }
    const timing = { fireTime: at, dueAt: at, tzdata: '2000z', calendars: null, afterRunMs: null }
    const item = { stateReason: null, expect: 'absent', timing } as const
    await store.putSchedules([
      { ...item, definition, state: 'active' },
      { ...item, definition: { ...definition, id: 'odd' }, state: 'broken', stateReason: 'NEVER_FIRES: no' },
    ])
    await store.close()
    const { code, out, err } = await cli(['doctor', '--store', url, '--json'])
    expect({ code, err }).toEqual({ code: 1, err: '' })
    const { healthy, checks } = JSON.parse(out) as {
      healthy: boolean
      checks: { name: string; status: string; message: string }[]
    }
    expect(healthy).toBe(false)
    const wrong = checks.filter(({ status }) => status === 'wrong')
    expect(wrong.map(({ name }) => name)).toEqual(['live nodes', 'overdue schedules', 'broken schedules'])
    expect(wrong[1]!.message).toContain('late (due at')
    expect(wrong[2]!.message).toContain('odd (NEVER_FIRES: no)')
    expect((await cli(['doctor', '--store', url])).out).toMatch(/^wrong +live nodes: no node is alive/)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})

test('clocks that differ are told, from the one that this machine has', async () => {
  await using server = await testServer()
  const url = await server.app.listen({ port: 0 })
  const clock = { ...systemClock, now: () => systemClock.now() + 60_000 }
  const { code, out } = await cli(['doctor', '--server', url], { clock })
  expect(code).toBe(1)
  expect(out).toMatch(
    /wrong +clocks: the clock of the store is (60|59\.\d|60\.\d) s behind that of this machine/,
  )
})
