import type { Trigger, TriggerJson } from '../domain/trigger.js'
import type { CompileContext } from './kind.js'
import { invalid, quote, unknownFields, type Refusals } from './problems.js'

const MOST_MEMBERS = 10

/** The triggers that another one combines. */
export function compileMembers(
  json: TriggerJson,
  context: CompileContext,
  refusals: Refusals,
): readonly Trigger[] {
  refusals.add(unknownFields(json, ['kind', 'triggers']))
  const { triggers } = json
  if (!Array.isArray(triggers) || triggers.length === 0 || triggers.length > MOST_MEMBERS) {
    const found = Array.isArray(triggers) ? `has ${triggers.length}` : `was ${quote(triggers)}`
    refusals.add([
      {
        path: 'triggers',
        rule: 'triggers.list',
        message: `triggers must be a list of 1 to ${MOST_MEMBERS} triggers, but ${found}`,
      },
    ])
    return []
  }
  return triggers
    .map((member, i) => refusals.try(() => compileMember(member, context), `triggers[${i}]`))
    .filter((member) => member !== null)
}

function compileMember(json: unknown, context: CompileContext): Trigger {
  const member = context.compile(json)
  if (member.afterCompletion !== true) return member
  throw invalid(
    'after',
    'interval.alone',
    'after must be left out: an interval after completion has no fire times of its own that could be combined',
  )
}
