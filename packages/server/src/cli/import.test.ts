import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { answered, cli } from '../testing/test-cli.js'
import { testServer, type TestServer } from '../testing/test-server.js'

let folder: string
let server: TestServer
let url: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'evertick-cli-'))
  server = await testServer()
  url = await server.app.listen({ port: 0 })
})
afterEach(async () => {
  await server[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

async function crontab(...lines: string[]): Promise<string> {
  const path = join(folder, 'crontab')
  await writeFile(path, `${lines.join('\n')}\n`)
  return path
}

interface Answer {
  readonly imported: { line: number; schedule: { id: string }; nextFireTime: string | null }[]
  readonly refused: { line: number; text: string; reason: string }[]
}

test('the lines of a crontab become schedules, and again the same ones', async () => {
  const file = await crontab('CRON_TZ=Asia/Tokyo', '0 3 * * * backup', '@daily tidy%yes')
  const argv = ['import', 'crontab', file, '--server', url, '--json']
  const { imported, refused } = answered(await cli(argv)) as unknown as Answer
  expect(refused).toEqual([])
  expect(imported.map(({ line }) => line)).toEqual([2, 3])
  const { body } = await server.call('GET', '/api/v1/schedules')
  expect(body.items.map(({ id }: { id: string }) => id)).toEqual(imported.map(({ schedule }) => schedule.id))
  expect(body.items[0]).toMatchObject({
    task: 'command',
    trigger: { kind: 'cron', expression: '0 3 * * *', timezone: 'Asia/Tokyo' },
    input: { program: '/bin/sh', args: ['-c', 'backup'] },
    timeoutMs: null,
    nextFireTime: imported[0]!.nextFireTime,
  })
  await cli(argv)
  expect((await server.call('GET', '/api/v1/schedules')).body.items).toEqual(body.items)
})

test('bad lines are refused with their number and the reason, and the others go on', async () => {
  const file = await crontab(
    '0 3 * * * good',
    '@reboot bad',
    '61 * * * * bad',
    '0 0 31 2 * bad',
    'TZ=Mars/Base',
    '@daily bad',
  )
  const { code, out } = await cli(['import', 'crontab', file, '--server', url, '--json'])
  expect(code).toBe(1)
  const { imported, refused } = JSON.parse(out) as Answer
  expect(imported.map(({ line }) => line)).toEqual([1])
  expect(refused.map(({ line }) => line)).toEqual([2, 3, 4, 6])
  expect(refused[1]).toMatchObject({
    text: '61 * * * * bad',
    reason: expect.stringContaining('61') as string,
  })
  const text = await cli(['import', 'crontab', file, '--server', url, '--prefix', 'other-'])
  expect(text.code).toBe(1)
  expect(text.out).toMatch(/^LINE +SCHEDULE +TIME +NEXT +COMMAND\n1 +other-good-/)
  expect(text.out).toContain('refused line 2: @reboot names no time')
  expect(text.out).toMatch(/1 schedule written, 4 refused\n$/)
})

test('a dry run shows the same, asks nobody and writes nothing', async () => {
  const file = await crontab('0 3 * * * root good', '0 25 * * * root bad')
  const argv = ['import', 'crontab', file, '--system', '--dry-run', '--timezone', 'Europe/Berlin']
  const { code, out } = await cli(argv, { env: { EVERTICK_SERVER: 'http://127.0.0.1:1' } })
  expect(code).toBe(1)
  expect(out).toMatch(/\n1 +cron-good-[0-9a-f]{6} +0 3 \* \* \* Europe\/Berlin +- +good\nrefused line 2: /)
  expect(out).toMatch(/1 schedule would be written, 1 refused\n$/)
})

test('a file that is not there, and a server that does not answer, are told as such', async () => {
  expect(await cli(['import', 'crontab', join(folder, 'none')])).toMatchObject({
    code: 2,
    err: expect.stringContaining('<file> cannot be read: ENOENT') as string,
  })
  const file = await crontab('0 3 * * * good')
  expect((await cli(['import', 'crontab', file, '--server', 'http://127.0.0.1:1'])).code).toBe(5)
})
