import { Command, CommanderError } from 'commander'
import { VERSION } from '../version.js'
import { addCalendarCommands } from './commands/calendar.js'
import type { CliContext } from './commands/context.js'
import { addCopyCommand } from './commands/copy.js'
import { addDoctorCommand } from './commands/doctor.js'
import { addExportCommand } from './commands/export.js'
import { addImportCommands } from './commands/import.js'
import { addLockCommands } from './commands/lock.js'
import { addMigrateCommand } from './commands/migrate.js'
import { addNodesCommand } from './commands/nodes.js'
import { addPreviewCommand } from './commands/preview.js'
import { addRunCommands } from './commands/runs.js'
import { addScheduleCommands } from './commands/schedule.js'
import { addServeCommand } from './commands/serve.js'
import { EXIT, reportFailure, UsageError } from './failures.js'
import type { CliIo } from './io.js'

export { processIo } from './io.js'

const EXIT_CODES = `
Exit codes:
  0  done
  1  the operation failed, the run that was waited for did, doctor found something wrong, or not
     every line of a crontab was taken
  2  the command line or the input is wrong
  3  there is no such schedule, run or calendar
  4  it conflicts with what is there
  5  the server or the store cannot be reached

  lock run ends with the exit code of its command; its own help names three more.
`

/**
 * Runs one command line and answers its exit code. What goes wrong is told on `io.stderr`; it never throws.
 * `argv` begins with the command: without the program and its path.
 */
export async function runCli(argv: readonly string[], io: CliIo): Promise<number> {
  const context: CliContext = { io, exitCode: EXIT.ok }
  try {
    await programFor(context).parseAsync([...argv], { from: 'user' })
    return context.exitCode
  } catch (error) {
    // Help and version, which were asked for.
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.ok
    return reportFailure(error instanceof CommanderError ? usageOf(error) : error, io, wantsJson(argv))
  }
}

function programFor(context: CliContext): Command {
  const { io } = context
  const program = new Command('evertick')
    .description('Scheduled tasks that do not go down.')
    .version(VERSION)
    // A flag belongs to the command that it follows: `runs show ID --json` gives it to `show`, not to `runs`.
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
      // Errors are told by reportFailure, like all others.
      outputError: () => {},
      getOutHelpWidth: () => io.stdout.columns ?? 100,
      getErrHelpWidth: () => io.stderr.columns ?? 100,
    })
    .showSuggestionAfterError()
    .addHelpText('after', EXIT_CODES)
  addServeCommand(program, context)
  addScheduleCommands(program, context)
  addCalendarCommands(program, context)
  addRunCommands(program, context)
  addLockCommands(program, context)
  addNodesCommand(program, context)
  addDoctorCommand(program, context)
  addPreviewCommand(program, context)
  addImportCommands(program, context)
  addMigrateCommand(program, context)
  addExportCommand(program, context)
  addCopyCommand(program, context)
  return program
}

/** Commander's complaint in our form: without its own "error: ", the suggestion on the same line. */
function usageOf(error: CommanderError): UsageError {
  if (error.code === 'commander.help') return new UsageError('a command is missing')
  const [complaint = '', ...hints] = error.message.replace(/^error: /, '').split('\n')
  return new UsageError([complaint, ...hints].join(' '))
}

function wantsJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--')
  return argv.slice(0, end === -1 ? undefined : end).includes('--json')
}
