import { readdir, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { InvalidError, isTask, type Task } from '@evertick/core'

/**
 * The tasks that modules export, under whatever names. A path is a file, or a directory whose `.js` and `.mjs` files
 * are read, in order of their names; those without a task are helpers there.
 * @throws {InvalidError} INVALID_OPTION: a path that cannot be read, a module that fails, no task in it, or two tasks
 * of one name. The message names the files.
 */
export async function loadTasks(paths: readonly string[]): Promise<Task[]> {
  const found = new Map<string, { readonly task: Task; readonly file: string }>()
  for (const path of paths) {
    const files = await filesAt(path)
    let count = 0
    for (const file of files) {
      for (const task of await tasksOf(file)) {
        count++
        const other = found.get(task.name)
        if (other !== undefined && other.task !== task) throw duplicate(task.name, other.file, file)
        found.set(task.name, { task, file })
      }
    }
    if (count === 0) throw noTask(path, files.length)
  }
  return [...found.values()].map(({ task }) => task)
}

async function filesAt(path: string): Promise<string[]> {
  try {
    if (!(await stat(path)).isDirectory()) return [resolve(path)]
    const names = await readdir(path)
    return names
      .filter((name) => /\.m?js$/.test(name))
      .toSorted()
      .map((name) => resolve(join(path, name)))
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const why = code === 'ENOENT' ? 'which does not exist' : `which cannot be read: ${message}`
    throw invalid('tasks.readable', `--tasks (EVERTICK_TASKS) names ${JSON.stringify(path)}, ${why}`, error)
  }
}

async function tasksOf(file: string): Promise<Set<Task>> {
  let module: Readonly<Record<string, unknown>>
  try {
    module = (await import(pathToFileURL(file).href)) as Readonly<Record<string, unknown>>
  } catch (error) {
    const why = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
    throw invalid('tasks.loads', `The task module ${file} cannot be loaded: ${why}`, error)
  }
  return new Set(Object.values(module).filter(isTask))
}

function noTask(path: string, files: number): InvalidError {
  const message =
    files === 0
      ? `The directory ${resolve(path)} has no task module; it needs a file that ends in .js or .mjs`
      : `There is no task in ${resolve(path)}; export what defineTask of @evertick/core returns`
  return invalid('tasks.some', message)
}

function duplicate(name: string, first: string, second: string): InvalidError {
  const where = first === second ? `twice in ${first}` : `in ${first} and in ${second}`
  return invalid(
    'tasks.unique',
    `The task ${JSON.stringify(name)} is defined ${where}; give one another name`,
  )
}

function invalid(rule: string, message: string, cause?: unknown): InvalidError {
  return new InvalidError('INVALID_OPTION', [{ path: 'tasks', rule, message }], { cause })
}
