import type { StoreHarness, TestApi } from './harness.js'
import { declareWith, type DeclarePromise } from './promise.js'
import { adaptivePromises } from './adaptive.js'
import { afterRunPromises } from './after-run.js'
import { calendarPromises } from './calendars.js'
import { cancelAndRetryPromises } from './cancel-and-retry.js'
import { claimPromises } from './claim.js'
import { clusterLimitPromises } from './cluster-limit.js'
import { deletionPromises } from './deletion.js'
import { dispatchPromises } from './dispatch.js'
import { unusualDispatchPromises } from './dispatch-unusual.js'
import { exportPromises } from './exports.js'
import { failurePromises } from './failures.js'
import { finishPromises } from './finish.js'
import { firePromises } from './fire.js'
import { fireRacePromises } from './fire-race.js'
import { handlePromises } from './handle.js'
import { historyPromises } from './history.js'
import { importPromises } from './imports.js'
import { importRacePromises } from './import-race.js'
import { lockPromises } from './locks.js'
import { lockQueuePromises } from './lock-queue.js'
import { logPromises } from './log.js'
import { nodePromises } from './nodes.js'
import { overlapPromises } from './overlap.js'
import { peekPromises } from './peek.js'
import { prunePromises } from './prune.js'
import { recoveryPromises } from './recovery.js'
import { requestPromises } from './requests.js'
import { schedulePromises } from './schedules.js'
import { scheduleListPromises } from './schedule-list.js'
import { statsPromises } from './stats.js'
import { statusPromises } from './status.js'
import { unblockPromises } from './unblock.js'

const CHAPTERS: Readonly<Record<string, (promise: DeclarePromise) => void>> = {
  schedules: schedulePromises,
  'listing schedules': scheduleListPromises,
  deletion: deletionPromises,
  calendars: calendarPromises,
  peek: peekPromises,
  fire: firePromises,
  'racing to fire': fireRacePromises,
  'spreading out under load': adaptivePromises,
  overlap: overlapPromises,
  'blocked runs': unblockPromises,
  claim: claimPromises,
  'dispatch while firing': dispatchPromises,
  'dispatch of unusual fires': unusualDispatchPromises,
  'cluster limits': clusterLimitPromises,
  finish: finishPromises,
  'firing after the end of a run': afterRunPromises,
  'failures in a row': failurePromises,
  recovery: recoveryPromises,
  'requested runs': requestPromises,
  'cancel and retry': cancelAndRetryPromises,
  status: statusPromises,
  history: historyPromises,
  log: logPromises,
  prune: prunePromises,
  locks: lockPromises,
  'waiting for locks': lockQueuePromises,
  nodes: nodePromises,
  stats: statsPromises,
  export: exportPromises,
  import: importPromises,
  'importing at once': importRacePromises,
  'the handle': handlePromises,
}

/**
 * Declares every promise of the store contract as a test of `suite`, each against an empty store of its own. Call it
 * at the top of a test file: `storeConformance(harness, { describe, test })`. What a store cannot be held to, by
 * what its `info` says, is skipped with the reason.
 */
export function storeConformance(harness: StoreHarness, suite: TestApi): void {
  suite.describe(`store conformance: ${harness.name}`, () => {
    for (const [title, declare] of Object.entries(CHAPTERS)) {
      suite.describe(title, () => declare(declareWith(harness, suite)))
    }
  })
}

export type { StoreHarness, StoreUnderTest, TestApi, TestContext } from './harness.js'
