import type { NodeRecord, Task } from '@evertick/core'
import { presentNode, presentStats } from '../present.js'
import { NodeSchema, StatsSchema, TaskSchema, type TaskJson } from '../schemas/cluster.js'
import { refusals } from '../schemas/problem.js'
import { pageOf, ref } from '../schemas/shared.js'
import type { Routes } from './types.js'

const tags = ['Cluster']

/** What the nodes are, and what they can do. */
export const clusterRoutes: Routes = (app, scheduler) => {
  app.get(
    '/tasks',
    {
      schema: {
        operationId: 'listTasks',
        summary: 'List the tasks that live nodes know, by name',
        tags,
        response: { 200: pageOf(TaskSchema), ...refusals },
      },
    },
    async () => ({
      items: tasksOf(scheduler.tasks, scheduler.node, await scheduler.listNodes()),
      nextCursor: null,
    }),
  )

  app.get(
    '/nodes',
    {
      schema: {
        operationId: 'listNodes',
        summary: 'List nodes: live ones, and those gone for less than a day',
        tags,
        response: { 200: pageOf(NodeSchema), ...refusals },
      },
    },
    async () => {
      const [nodes, leader] = await Promise.all([scheduler.listNodes(), scheduler.leader.current()])
      return { items: nodes.map((node) => presentNode(node, leader)), nextCursor: null }
    },
  )

  app.get(
    '/stats',
    {
      schema: {
        operationId: 'getStats',
        summary: 'Count what there is',
        tags,
        response: { 200: ref(StatsSchema), ...refusals },
      },
    },
    async () => presentStats(await scheduler.store.stats(), scheduler.store.info, scheduler.node),
  )
}

function tasksOf(local: ReadonlyMap<string, Task>, self: string, nodes: readonly NodeRecord[]): TaskJson[] {
  const knownBy = new Map<string, Set<string>>()
  // This node knows its tasks also before its first heartbeat.
  for (const name of local.keys()) knownBy.set(name, new Set([self]))
  for (const { alive, node, tasks } of nodes) {
    if (!alive) continue
    for (const name of tasks) knownBy.set(name, (knownBy.get(name) ?? new Set()).add(node))
  }
  return [...knownBy.keys()].toSorted().map((name) => {
    const task = local.get(name)
    return {
      name,
      description: task?.description ?? null,
      concurrency: task === undefined ? null : { ...task.concurrency },
      retry: task?.retry ?? null,
      timeoutMs: task?.timeoutMs ?? null,
      checksInput: task === undefined ? null : task.inputSchema !== null,
      local: task !== undefined,
      nodes: [...knownBy.get(name)!].toSorted(),
    }
  })
}
