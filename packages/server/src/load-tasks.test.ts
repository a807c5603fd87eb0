import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { loadTasks } from './load-tasks.js'

const CORE = new URL('../../core/src/index.ts', import.meta.url).href

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'evertick-tasks-'))
})
afterEach(() => rm(folder, { recursive: true }))

async function module(name: string, code: string): Promise<string> {
  const file = join(folder, name)
  await writeFile(file, `import { defineTask } from '${CORE}'\n${code}`)
  return file
}

const task = (name: string): string => `defineTask({ name: '${name}', run: () => null })`
const names = async (...paths: string[]): Promise<string[]> =>
  (await loadTasks(paths)).map(({ name }) => name)

test('every exported task is found, under whatever name it is exported', async () => {
  const file = await module(
    'tasks.mjs',
    `const a = ${task('a')}
     export default a
     export { a, a as again }
     export const b = ${task('b')}
     export const settings = { name: 'c', run: () => null }
     const hidden = ${task('d')}`,
  )
  expect((await names(file)).toSorted()).toEqual(['a', 'b'])
})

test('a directory gives the tasks of its modules, and may hold helpers and other files', async () => {
  await module('b.js', `export const b = ${task('b')}`)
  await module('a.mjs', `export const a = ${task('a')}`)
  await module('helper.js', 'export const answer = 42')
  await writeFile(join(folder, 'README.md'), '# not code')
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
  expect(await names(folder)).toEqual(['a', 'b'])
})

test('several paths are read, and one given twice does no harm', async () => {
  const a = await module('a.mjs', `export const a = ${task('a')}`)
  const b = await module('b.mjs', `export const b = ${task('b')}`)
  expect(await names(a, b, a)).toEqual(['a', 'b'])
  expect(await names()).toEqual([])
})

test('two tasks of one name are refused, naming both files', async () => {
  const first = await module('first.mjs', `export const a = ${task('same')}`)
  const second = await module('second.mjs', `export const a = ${task('same')}`)
  await expect(loadTasks([first, second])).rejects.toMatchObject({
    code: 'INVALID_OPTION',
    problems: [{ path: 'tasks', rule: 'tasks.unique' }],
    message: expect.stringMatching(/"same".*first\.mjs.*second\.mjs/),
  })
})

test.each([
  ['a file that is not there', () => join(folder, 'none.mjs'), 'tasks.readable', /none\.mjs.*does not exist/],
  [
    'a module without a task',
    () => module('empty.mjs', 'export const x = 1'),
    'tasks.some',
    /no task in .*empty\.mjs.*defineTask/,
  ],
  [
    'a module that throws',
    () => module('bad.mjs', "throw new Error('no database')"),
    'tasks.loads',
    /bad\.mjs.*no database/,
  ],
  [
    'a module that cannot be parsed',
    () => module('syntax.mjs', 'export const = 1'),
    'tasks.loads',
    /syntax\.mjs/,
  ],
  [
    'an option that is wrong',
    () => module('option.mjs', "defineTask({ name: 'a b', run() {} })"),
    'tasks.loads',
    /option\.mjs.*a b/,
  ],
])('%s is refused by name', async (_what, path, rule, message) => {
  await expect(loadTasks([await path()])).rejects.toMatchObject({
    code: 'INVALID_OPTION',
    problems: [{ path: 'tasks', rule }],
    message: expect.stringMatching(message),
  })
})

test('a task of another copy of the library is one as well', async () => {
  const copy = "{ name: 'copied', run() {}, [Symbol.for('evertick.task')]: true }"
  const path = await module('copy.mjs', `export const t = ${copy}`)
  expect((await loadTasks([path])).map(({ name }) => name)).toEqual(['copied'])
})

test('a directory without modules is refused', async () => {
  await mkdir(join(folder, 'empty'))
  await expect(loadTasks([join(folder, 'empty')])).rejects.toThrow(/has no task module/)
})
