import type { NodeJson, StatsJson } from '../http/schemas/cluster.js'
import type { ScheduleJson } from '../http/schemas/schedule.js'

/** What a check came to: `wrong` needs somebody to do something, `note` only to know. */
export type CheckStatus = 'ok' | 'note' | 'wrong'

export interface Check {
  readonly name: string
  readonly status: CheckStatus
  readonly message: string
}

/** What was found out about a system. */
export interface Findings {
  readonly nodes: readonly NodeJson[]
  readonly stats: StatsJson
  readonly broken: readonly ScheduleJson[]
  /** Active ones that are overdue by more than {@link OVERDUE_MS}. */
  readonly overdue: readonly ScheduleJson[]
  /** The release of who asks. */
  readonly version: string
  /** How far the store's clock is ahead of ours, in milliseconds. */
  readonly clockAheadMs: number
}

/** A schedule that has been due for longer was not merely waiting for its turn. */
export const OVERDUE_MS = 60_000
/** What a request takes on a slow network, and clocks that are kept in step differ by, is far less. */
const CLOCK_TOLERANCE_MS = 5000
const MOST_NAMED = 5

/** One answer per question, in the order in which one would ask them. */
export function diagnose(findings: Findings): Check[] {
  return [
    liveNodes(findings),
    deadNodes(findings),
    versions(findings),
    nodeTzdata(findings),
    storedTzdata(findings),
    clocks(findings),
    overdue(findings),
    broken(findings),
    unclaimed(findings),
    durability(findings),
  ]
}

function liveNodes({ nodes, stats }: Findings): Check {
  const live = nodes.filter(({ alive }) => alive).length
  if (live > 0) return ok('live nodes', counted(live, 'node is alive', 'nodes are alive'))
  const { active } = stats.schedules
  const { pending, retrying } = stats.runs
  if (active + pending + retrying === 0)
    return note('live nodes', 'no node is alive, and nothing waits for one')
  return wrong('live nodes', 'no node is alive, so nothing fires and nothing runs: start one')
}

function deadNodes({ nodes }: Findings): Check {
  const live = new Set(nodes.filter(({ alive }) => alive).map(({ node }) => node))
  const dead = nodes.filter(({ alive, left, node }) => !alive && !left && !live.has(node))
  if (dead.length === 0) return ok('dead nodes', 'none within a day')
  const names = named(dead.map(({ node, lastBeatAt }) => `${node} (last heard of at ${lastBeatAt})`))
  return wrong('dead nodes', `gone without leaving, and not back: ${names}; read their logs`)
}

function versions({ nodes, version }: Findings): Check {
  const running = distinct(live(nodes).map((node) => node.version))
  if (running.length > 1)
    return wrong('versions', `live nodes run different releases: ${byValue(nodes, (node) => node.version)}`)
  if (running.length === 1 && running[0] !== version)
    return note('versions', `the nodes run ${running[0]}, this command is of ${version}`)
  return ok('versions', `all ${version}`)
}

function nodeTzdata({ nodes }: Findings): Check {
  const used = distinct(live(nodes).map((node) => node.tzdata))
  if (used.length <= 1)
    return ok('time zone data', used.length === 0 ? 'no live node' : `all nodes use ${used[0]}`)
  const who = byValue(nodes, (node) => node.tzdata)
  return wrong(
    'time zone data',
    `live nodes carry different time zone data: ${who}; fire times depend on who computes them: bring all to one release of Node.js`,
  )
}

function storedTzdata({ nodes, stats }: Findings): Check {
  const used = new Set(live(nodes).map((node) => node.tzdata))
  const others = Object.entries(stats.tzdata).filter(([version]) => used.size > 0 && !used.has(version))
  if (others.length === 0) return ok('stored fire times', 'computed with the time zone data of the nodes')
  const counts = others.map(([version, count]) => `${count} with ${version}`).join(', ')
  return note(
    'stored fire times',
    `next fire times that no live node would compute with its own time zone data: ${counts}; they fire as they are stored, and are computed anew after that`,
  )
}

function clocks({ clockAheadMs }: Findings): Check {
  const seconds = Math.round(Math.abs(clockAheadMs) / 100) / 10
  if (Math.abs(clockAheadMs) <= CLOCK_TOLERANCE_MS) return ok('clocks', 'the store and this machine agree')
  const where = clockAheadMs > 0 ? 'ahead of' : 'behind'
  return wrong(
    'clocks',
    `the clock of the store is ${seconds} s ${where} that of this machine; the store's decides what is due`,
  )
}

function overdue({ stats, overdue: late }: Findings): Check {
  if (stats.overdueMs <= OVERDUE_MS) return ok('overdue schedules', 'none')
  const names = late.length === 0 ? '' : `: ${named(late.map(({ id, dueAt }) => `${id} (due at ${dueAt})`))}`
  return wrong(
    'overdue schedules',
    `the most overdue one by ${Math.round(stats.overdueMs / 1000)} s${names}; the nodes do not keep up, or cannot read its trigger`,
  )
}

function broken({ broken: schedules, stats }: Findings): Check {
  if (stats.schedules.broken === 0) return ok('broken schedules', 'none')
  const names = named(
    schedules.map(({ id, stateReason }) => `${id} (${stateReason ?? 'no reason is known'})`),
  )
  return wrong(
    'broken schedules',
    `${counted(stats.schedules.broken, 'schedule', 'schedules')}: ${names}; put them again to mend them`,
  )
}

function unclaimed({ stats }: Findings): Check {
  const tasks = Object.entries(stats.unclaimed)
  if (tasks.length === 0) return ok('unclaimed tasks', 'none')
  const counts = named(tasks.map(([task, count]) => `${task} (${counted(count, 'run waits', 'runs wait')})`))
  return wrong('unclaimed tasks', `no live node knows ${counts}; start one that does`)
}

function durability({ stats: { store } }: Findings): Check {
  if (store.durable || !store.shared) return ok('durability', `what ${store.location} acknowledges stays`)
  return note(
    'durability',
    `${store.location} does not write all that it acknowledges to disk: when it dies, the last of that is lost`,
  )
}

function ok(name: string, message: string): Check {
  return { name, status: 'ok', message }
}

function note(name: string, message: string): Check {
  return { name, status: 'note', message }
}

function wrong(name: string, message: string): Check {
  return { name, status: 'wrong', message }
}

function live(nodes: readonly NodeJson[]): NodeJson[] {
  return nodes.filter(({ alive }) => alive)
}

function distinct(values: readonly string[]): string[] {
  return [...new Set(values)].toSorted()
}

/** `2025b: node-a, node-c; 2026a: node-b`. */
function byValue(nodes: readonly NodeJson[], valueOf: (node: NodeJson) => string): string {
  const alive = live(nodes)
  return distinct(alive.map(valueOf))
    .map(
      (value) =>
        `${value}: ${named(alive.filter((node) => valueOf(node) === value).map(({ node }) => node))}`,
    )
    .join('; ')
}

function named(names: readonly string[]): string {
  const more = names.length > MOST_NAMED ? ` and ${names.length - MOST_NAMED} more` : ''
  return names.slice(0, MOST_NAMED).join(', ') + more
}

function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`
}
