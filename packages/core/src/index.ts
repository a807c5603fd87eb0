export { backupTask, type BackupResult, type BackupTaskOptions } from './backup/backup-task.js'
export type { BackupInput, BackupKeep } from './backup/backup-input.js'
export type { LockStore } from './client/lock-context.js'
export { LOCK_TTL } from './client/lock-request.js'
export type * from './client/lock-types.js'
export { createLocks } from './client/locks.js'
export { createScheduler } from './client/scheduler.js'
export type * from './client/types.js'
export type { Calendar, CalendarJson, CalendarName } from './domain/calendar.js'
export { systemClock, toIso, type Clock, type EpochMs, type Random } from './domain/clock.js'
export { defineTask, isTask } from './domain/define-task.js'
export {
  closest,
  codeOf,
  ERROR_CODES,
  EvertickError,
  InvalidError,
  LeaseLostError,
  LockLostError,
  NonRetryableError,
  SessionExpiredError,
  type ErrorCode,
  type Problem,
} from './domain/errors.js'
export type * from './domain/events.js'
export { ID_RULE, isValidId } from './domain/ids.js'
export type * from './domain/ids.js'
export type { JsonObject, JsonText, JsonValue } from './domain/json.js'
export type { Lease, LeaseTiming } from './domain/lease.js'
export { silentLogger, type Logger } from './domain/logger.js'
export {
  ADAPTIVE_DEFAULTS,
  CATCH_UPS,
  DELIVERIES,
  OVERLAPS,
  POLICY_DEFAULTS,
  SIZE_LIMITS,
} from './domain/policies.js'
export type {
  AdaptivePolicy,
  CatchUp,
  Delivery,
  HistoryPolicy,
  Overlap,
  SchedulePolicy,
} from './domain/policies.js'
export { RETRY_DEFAULTS, type RetryPolicy } from './domain/retry.js'
export { RUN_STATUSES, isOpen } from './domain/run.js'
export type * from './domain/run.js'
export { SCHEDULE_STATES } from './domain/schedule.js'
export type * from './domain/schedule.js'
export type { SqlTransaction } from './domain/sql-transaction.js'
export type * from './domain/task.js'
export type { Trigger, TriggerJson } from './domain/trigger.js'
export { commandTask } from './executors/command.js'
export { httpTask } from './executors/http.js'
export { TZDATA } from './domain/tzdata.js'
export { copyStore } from './moving/copy-store.js'
export { ExportDigest, type ExportCounts } from './moving/export-digest.js'
export { exportLines, readExport, type ExportEnd, type ExportHeader } from './moving/export-file.js'
export { exportStore, type ExportOptions } from './moving/export-store.js'
export { importInto, type ImportOptions, type MoveProgress, type MoveResult } from './moving/import-into.js'
export type * from './store/contract.js'
export type * from './store/exports.js'
export { openStore } from './stores/open-store.js'
export * from './triggers/index.js'
export { VERSION } from './version.js'
