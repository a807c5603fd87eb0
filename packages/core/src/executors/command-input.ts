import type { StandardSchemaV1 } from '@standard-schema/spec'
import { type FieldChecks, shown } from '../domain/field-checks.js'
import { isPlainObject } from '../domain/json.js'
import { SIZE_LIMITS } from '../domain/policies.js'
import { inputSchema } from './input-schema.js'

/** The input of a command task, complete. */
export interface CommandInput {
  /** A path, or a name that is looked up in PATH. */
  readonly program: string
  readonly args: readonly string[]
  /** Added to the few variables that a command inherits. */
  readonly env: Readonly<Record<string, string>>
  /** `undefined`: the directory of the node. */
  readonly cwd: string | undefined
  /** `undefined`: the command reads an empty input. */
  readonly stdin: string | undefined
  readonly acceptExitCodes: readonly number[]
  /** Of each of the two outputs. */
  readonly maxOutputBytes: number
}

const FIELDS = [
  'program',
  'args',
  'env',
  'cwd',
  'stdin',
  'acceptExitCodes',
  'maxOutputBytes',
] as const satisfies readonly (keyof CommandInput)[]

const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/
const SHELL_LINE = /\s/

/** Which commands a command task can run: one program and its arguments, never a line for a shell. */
export const commandInput: StandardSchemaV1<unknown, CommandInput> = inputSchema(FIELDS, (given, checks) => {
  const { program, args = [], cwd, stdin, acceptExitCodes = [0], maxOutputBytes = SIZE_LIMITS.result } = given
  checkProgram(program, checks)
  if (!Array.isArray(args)) checks.add('args', 'array', `must be a list of texts, but is ${shown(args)}`)
  else args.forEach((arg, index) => isOsText(arg) || refuseText(`args[${index}]`, arg, checks))
  if (cwd !== undefined && (!isOsText(cwd) || cwd === '')) refuseText('cwd', cwd, checks)
  if (stdin !== undefined) checks.text('stdin', stdin, SIZE_LIMITS.input)
  checkExitCodes(acceptExitCodes, checks)
  checks.integer('maxOutputBytes', maxOutputBytes, 0, SIZE_LIMITS.result)
  return {
    program: program as string,
    args: args as string[],
    env: readEnv(given['env'], checks),
    cwd: cwd as string | undefined,
    stdin: stdin as string | undefined,
    acceptExitCodes: acceptExitCodes as number[],
    maxOutputBytes: maxOutputBytes as number,
  }
})

function checkProgram(program: unknown, checks: FieldChecks): void {
  if (!isOsText(program) || program === '') refuseText('program', program, checks)
  // `df -h` as a program is the mistake of someone who expects a shell. A path may hold blanks.
  else if (SHELL_LINE.test(program) && !/[/\\]/.test(program))
    checks.add(
      'program',
      'program.line',
      `must be one program without its arguments, which belong in args, but is ${shown(program)}`,
    )
}

function checkExitCodes(codes: unknown, checks: FieldChecks): void {
  const fits = (code: unknown): boolean =>
    Number.isInteger(code) && (code as number) >= 0 && (code as number) <= 255
  if (Array.isArray(codes) && codes.length > 0 && codes.every(fits)) return
  checks.add(
    'acceptExitCodes',
    'exitCodes',
    `must be a list of whole numbers from 0 to 255, but is ${shown(codes)}`,
  )
}

function readEnv(env: unknown, checks: FieldChecks): Record<string, string> {
  if (env === undefined) return {}
  if (!isPlainObject(env)) {
    checks.add('env', 'object', `must be an object of names and texts, but is ${shown(env)}`)
    return {}
  }
  for (const [name, value] of Object.entries(env)) {
    if (!ENV_NAME.test(name))
      checks.add(
        `env.${name}`,
        'env.name',
        'is not a variable: letters, digits and "_", not beginning with a digit',
      )
    else if (name.startsWith('EVERTICK_'))
      checks.add(`env.${name}`, 'env.reserved', 'cannot be given: EVERTICK_ variables are set by Evertick')
    // The value may be a secret, so it is not shown.
    else if (!isOsText(value)) checks.add(`env.${name}`, 'text', 'must be text without null characters')
  }
  return env as Record<string, string>
}

// No operating system accepts a null character in a name, an argument or a variable.
function isOsText(value: unknown): value is string {
  return typeof value === 'string' && !value.includes('\0')
}

function refuseText(path: string, value: unknown, checks: FieldChecks): void {
  const rule = path.startsWith('args[') ? 'text' : 'text that is not empty'
  checks.add(path, 'text', `must be ${rule} and has no null characters, but is ${shown(value)}`)
}
