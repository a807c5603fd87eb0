import type { Command } from 'commander'
import { diagnose, type CheckStatus } from '../../doctor/diagnose.js'
import { examine } from '../../doctor/examine.js'
import { EXIT } from '../failures.js'
import { oneLine } from '../printable.js'
import type { Style } from '../style.js'
import { useClient, withTarget, type CliContext, type ClientFlags } from './context.js'

// More than a line of a terminal, and still one screen for all checks.
const LONGEST_MESSAGE = 600

/** `evertick doctor`: looks for what is wrong with a system; exit code 1 when something is. */
export function addDoctorCommand(program: Command, context: CliContext): void {
  withTarget(program.command('doctor'))
    .description('look for what is wrong: nodes, versions, time zone data, clocks, schedules and tasks')
    .action((flags: ClientFlags) =>
      useClient(context, flags, async ({ client, io, answer, style }) => {
        const checks = diagnose(await examine(client, io.clock))
        const healthy = checks.every(({ status }) => status !== 'wrong')
        const lines = checks.map(
          ({ name, status, message }) =>
            `${painted(status, style)}  ${style.bold(name)}: ${oneLine(message, LONGEST_MESSAGE)}\n`,
        )
        answer({ healthy, checks }, lines.join(''))
        if (!healthy) context.exitCode = EXIT.failed
      }),
    )
}

function painted(status: CheckStatus, style: Style): string {
  const text = status.padEnd(5)
  return status === 'wrong' ? style.bad(text) : status === 'note' ? style.warn(text) : style.dim(text)
}
