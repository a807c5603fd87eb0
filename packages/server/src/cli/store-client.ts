import {
  type Clock,
  commandTask,
  createScheduler,
  httpTask,
  type Run,
  type ScheduleInput,
} from '@evertick/core'
import { calendarNotFound, runNotFound, scheduleNotFound } from '../http/errors.js'
import {
  presentCalendar,
  presentFires,
  presentLock,
  presentLog,
  presentNode,
  presentPage,
  presentRun,
  presentSchedule,
  presentStats,
} from '../http/present.js'
import { calendarsOf } from '../preview/calendars.js'
import { preview } from '../preview/preview.js'
import { shownZone } from '../preview/zones.js'
import type { Client } from './client.js'
import { requireStore } from './require-store.js'

/**
 * A client straight on the store at `url`, for when no server runs. It fires and runs nothing itself.
 * Of tasks it knows those that come with Evertick, and those that live nodes tell of.
 * An SQLite file that is missing is made only with `create`: a slip of the pen must not look like an empty store.
 * @throws {EvertickError} STORE_UNREADABLE, STORE_VERSION, STORE_UNAVAILABLE, or INVALID_OPTION for a URL of no store.
 */
export async function storeClient(
  url: string,
  clock: Clock,
  { create }: { readonly create: boolean },
): Promise<Client> {
  if (!create) await requireStore(url)
  const tasks = [httpTask(), commandTask()]
  const scheduler = await createScheduler({ store: url, tasks, clock })
  const { schedules, runs, calendars, locks, store } = scheduler
  return {
    locks,
    async putSchedule(schedule, options) {
      return presentSchedule(await schedules.put(schedule as unknown as ScheduleInput, options))
    },
    async getSchedule(id) {
      const schedule = await schedules.get(id)
      if (schedule === null) throw scheduleNotFound(id)
      return presentSchedule(schedule)
    },
    async listSchedules(filter) {
      return presentPage(await schedules.list(filter), presentSchedule)
    },
    async pauseSchedule(id, reason) {
      return presentSchedule(await schedules.pause(id, reason === undefined ? {} : { reason }))
    },
    async resumeSchedule(id) {
      return presentSchedule(await schedules.resume(id))
    },
    async removeSchedule(id) {
      if (!(await schedules.delete(id))) throw scheduleNotFound(id)
    },
    async runSchedule(id, input) {
      return presentRun(await schedules.runNow(id, input === undefined ? {} : { input }))
    },
    async upcoming(id, count) {
      const schedule = await schedules.get(id)
      if (schedule === null) throw scheduleNotFound(id)
      const times = await schedules.upcoming(id, { count })
      return { items: presentFires(times, shownZone(schedule.definition.trigger)), nextCursor: null }
    },
    async listRuns(filter) {
      return presentPage(await runs.list(filter), presentRun)
    },
    async getRun(id) {
      return presentRun(await existing(id))
    },
    async readLog(id, after) {
      await existing(id)
      return presentLog(await runs.log(id, { after, limit: 1000 }))
    },
    async cancelRun(id) {
      return presentRun(await runs.cancel(id))
    },
    async retryRun(id) {
      return presentRun(await runs.retry(id))
    },
    async listNodes() {
      const [nodes, leader] = await Promise.all([scheduler.listNodes(), scheduler.leader.current()])
      return { items: nodes.map((node) => presentNode(node, leader)), nextCursor: null }
    },
    async preview({ trigger, from, count, locale }) {
      const calendar = await calendarsOf(trigger, calendars)
      return preview(trigger, { after: from, count, locale, calendar })
    },
    async stats() {
      return presentStats(await store.stats(), store.info, scheduler.node)
    },
    async putCalendar(definition) {
      return presentCalendar(await calendars.put(definition))
    },
    async getCalendar(name) {
      const calendar = await calendars.get(name)
      if (calendar === null) throw calendarNotFound(name)
      return presentCalendar(calendar)
    },
    async listCalendars(page) {
      return presentPage(await calendars.list(page), presentCalendar)
    },
    async removeCalendar(name) {
      if (!(await calendars.delete(name))) throw calendarNotFound(name)
    },
    async listLocks(filter) {
      return presentPage(await locks.list(filter), presentLock)
    },
    async [Symbol.asyncDispose]() {
      await scheduler.stop()
    },
  }

  async function existing(id: string): Promise<Run> {
    const run = await runs.get(id)
    if (run === null) throw runNotFound(id)
    return run
  }
}
