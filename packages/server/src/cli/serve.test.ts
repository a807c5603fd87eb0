import { expect, test } from 'vitest'
import { startCli, type CliOptions, type StartedCli } from '../testing/test-cli.js'

const serve = (options: CliOptions, ...flags: string[]): StartedCli =>
  startCli(['serve', '--port', '0', '--store', 'sqlite::memory:', ...flags], options)

test('on a terminal it says what to open, and stops when interrupted', async () => {
  const server = serve({ isTTY: true, env: { NO_COLOR: '1' } })
  await server.shows('OpenAPI')
  await server.interrupt()
  const { code, out, err } = await server.outcome
  expect({ code, err }).toEqual({ code: 0, err: '' })
  const url = /open +(http:\/\/127\.0\.0\.1:\d+)\/$/m.exec(out)![1]!
  expect(out).toContain(`${url}/docs`)
  expect(out).toContain(`${url}/openapi.json`)
  expect(out).toMatch(/tasks +http, command/)
  expect(out).toMatch(/^\d\d:\d\d:\d\d\.\d{3} info {2}Stopped$/m)
})

test('elsewhere each line is JSON, and the server answers where it says', async () => {
  const server = serve({})
  await server.shows('"url"')
  const lines = (out: string): Record<string, unknown>[] =>
    out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
  await server.interrupt()
  const { code, out } = await server.outcome
  expect(code).toBe(0)
  expect(lines(out)).toContainEqual(
    expect.objectContaining({ level: 'info', url: expect.stringMatching(/^http:\/\/127/) as string }),
  )
})

test('the log level is kept', async () => {
  const server = serve({ isTTY: true, env: { NO_COLOR: '1', EVERTICK_LOG_LEVEL: 'silent' } })
  await server.shows('OpenAPI')
  await server.interrupt()
  expect((await server.outcome).out).not.toContain('info')
})

test('a second interrupt leaves at once', async () => {
  const server = serve({ isTTY: true })
  await server.shows('OpenAPI')
  await server.interrupt()
  await server.interrupt()
  expect((await server.outcome).code).toBe(130)
})

test('a port that is taken is named', async () => {
  const first = serve({})
  await first.shows('"url"')
  const url = (text: string): string => /http:\/\/127\.0\.0\.1:(\d+)/.exec(text)![1]!
  const second = startCli(['serve', '--port', url(first.output()), '--store', 'sqlite::memory:'])
  expect(await second.outcome).toMatchObject({
    code: 2,
    err: expect.stringMatching(/^error INVALID_OPTION: Port \d+ .*in use/) as string,
  })
  await first.interrupt()
  await first.outcome
})
