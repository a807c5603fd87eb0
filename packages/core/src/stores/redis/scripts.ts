import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import {
  abandonedBy,
  CANCELLED,
  DELETED,
  DROPPED,
  givenUp,
  NOT_OPEN_THERE,
  OVERLAP,
  pausedAfter,
  REPLACED,
} from '../../store/reasons.js'

const NAMES = [
  'acquire-lock',
  'add-runs',
  'bury',
  'cancel-run',
  'claim',
  'commit',
  'delete-calendar',
  'delete-schedule',
  'draw-fence',
  'export-schedules',
  'export-tombstones',
  'finish',
  'get-calendars',
  'get-run',
  'get-schedules',
  'get-standing',
  'heartbeat',
  'import-calendar',
  'import-runs',
  'import-schedules',
  'leave',
  'list-calendars',
  'list-locks',
  'list-nodes',
  'list-runs',
  'list-runs-of',
  'list-schedules',
  'now',
  'open',
  'peek',
  'prune',
  'put-calendar',
  'put-schedules',
  'raise-calendars',
  'read-log',
  'recover',
  'rejoin',
  'release-lock',
  'renew-lock',
  'report',
  'retry-run',
  'stats',
  'survey',
  'take',
] as const

export type ScriptName = (typeof NAMES)[number]

/** A script as Redis runs it: what it includes, and then itself. */
export interface Script {
  readonly source: string
  readonly sha: string
}

/** One file of `lua/` for each atomic step. Each says what it includes of `lua/lib/`; all begin with `step`. */
export async function loadScripts(): Promise<ReadonlyMap<ScriptName, Script>> {
  const scripts = new Map<ScriptName, Script>()
  const parts = new Map<string, string>([['says', saysInLua()]])
  const part = async (name: string): Promise<string> => {
    const source = parts.get(name) ?? (await read(`lib/${name}`))
    parts.set(name, source)
    return source
  }
  for (const name of NAMES) {
    const own = await read(name)
    const included = /^-- include {2}(.*)$/m.exec(own)?.[1]?.split(' ') ?? []
    const pieces = name === 'open' ? [] : ['step', ...included]
    const source = [...(await Promise.all(pieces.map(part))), own].join('\n')
    scripts.set(name, { source, sha: createHash('sha1').update(source).digest('hex') })
  }
  return scripts
}

function read(name: string): Promise<string> {
  return readFile(new URL(`lua/${name}.lua`, import.meta.url), 'utf8')
}

/** What every store says in the same words, as a Lua table. */
function saysInLua(): string {
  const mark = '|'
  const [abandoned, abandonedEnd] = abandonedBy(mark).message.split(mark)
  const says: Record<string, string> = {
    cancelled: JSON.stringify(CANCELLED),
    replaced: JSON.stringify(REPLACED),
    deleted: JSON.stringify(DELETED),
    dropped: JSON.stringify(DROPPED),
    overlap: JSON.stringify(OVERLAP),
    notOpenThere: JSON.stringify(NOT_OPEN_THERE),
    abandoned: abandoned!,
    abandonedEnd: abandonedEnd!,
    givenUp: givenUp({ code: '', message: '' }).message,
    pausedAfter: pausedAfter(0).slice(1),
  }
  // These are plain ASCII, whose quoting JSON and Lua share.
  const fields = Object.entries(says).map(([name, text]) => `  ${name} = ${JSON.stringify(text)},`)
  return `local SAYS = {\n${fields.join('\n')}\n}`
}
