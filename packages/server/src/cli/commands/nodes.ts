import type { Command } from 'commander'
import { table } from '../table.js'
import { durationText, relativeIso } from '../time-text.js'
import { useClient, withTarget, type CliContext, type ClientFlags } from './context.js'

const MIB = 1024 * 1024

/** `evertick nodes`: who takes part. */
export function addNodesCommand(program: Command, context: CliContext): void {
  withTarget(program.command('nodes'))
    .description('list nodes: live ones, and those gone for less than a day')
    .action((flags: ClientFlags) =>
      useClient(context, flags, async ({ client, io, answer, style, now }) => {
        const page = await client.listNodes()
        const rows = page.items.map((node) => [
          node.node,
          node.leader ? style.bold('leader') : node.alive ? 'alive' : node.left ? 'left' : style.bad('dead'),
          node.version,
          `${node.slotsInUse}/${node.slots}`,
          String(node.runsHeld),
          `${Math.round(node.load * 100)} %`,
          `${Math.round(node.cpu * 100)} %`,
          `${Math.round(node.memoryBytes / MIB)} MiB`,
          durationText(node.eventLoopDelayMs),
          node.alive ? durationText(Math.max(0, now - Date.parse(node.startedAt))) : '-',
          relativeIso(node.lastBeatAt, now),
          node.tasks.join(', '),
        ])
        const titles = [
          'NODE',
          'STATE',
          'VERSION',
          'RUNNING',
          'HOLDS',
          'LOAD',
          'CPU',
          'MEMORY',
          'LOOP DELAY',
          'UP',
          'LAST BEAT',
          'TASKS',
        ]
        answer(page, rows.length === 0 ? 'no nodes\n' : table(titles, rows, style, io.stdout.columns))
      }),
    )
}
