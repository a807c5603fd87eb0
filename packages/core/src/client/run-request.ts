import type { Clock } from '../domain/clock.js'
import { policyOf, specOf } from '../domain/definition.js'
import { EvertickError, InvalidError } from '../domain/errors.js'
import { shown } from '../domain/field-checks.js'
import { isValidRequestId, REQUEST_ID_RULE, uuidv7 } from '../domain/ids.js'
import { canonicalJson, type JsonValue } from '../domain/json.js'
import type { Run, RunSpec } from '../domain/run.js'
import type { ScheduleDefinition } from '../domain/schedule.js'
import type { Store } from '../store/contract.js'

/** @throws {InvalidError} INVALID_QUERY */
export function requestIdOf(given: string | undefined, clock: Clock): string {
  const requestId = given ?? uuidv7(clock.now())
  if (isValidRequestId(requestId)) return requestId
  const message = `requestId must be ${REQUEST_ID_RULE}, but is ${shown(requestId)}`
  throw new InvalidError('INVALID_QUERY', [{ path: 'requestId', rule: 'requestId', message }])
}

/**
 * One run, now, as the definition says, with this input instead of its own. A request that is repeated answers the same run.
 * @throws {EvertickError} ILLEGAL_STATE for a request id that was used with another input.
 */
export async function requestRun(
  store: Pick<Store, 'addRuns'>,
  definition: ScheduleDefinition,
  requestId: string,
  input: JsonValue | undefined,
): Promise<Run> {
  const { delivery, priority, group } = policyOf(definition)
  const [run] = await store.addRuns([
    {
      scheduleId: definition.id,
      requestId,
      kind: 'manual',
      fireTime: null,
      task: definition.task,
      spec: specOf(definition, input),
      delivery,
      priority,
      group,
    },
  ])
  if (sameInput(run!, input)) return run!
  const message = `requestId ${shown(requestId)} was used for run ${run!.id}, which has another input; take a new requestId`
  throw new EvertickError('ILLEGAL_STATE', message, {
    problems: [{ path: 'requestId', rule: 'requestId.sameInput', message }],
  })
}

/** Only the input counts: a request repeated after an edit of the retry rule is the same request. */
function sameInput({ spec }: Run, input: JsonValue = null): boolean {
  const given = spec === null ? undefined : (JSON.parse(spec) as RunSpec).input
  return canonicalJson(given ?? null) === canonicalJson(input)
}
