import { performance } from 'node:perf_hooks'
import type { StoreStats } from '@evertick/core'
import { VERSION } from '../version.js'
import { overdueMs } from './present.js'

type Labels = Readonly<Record<string, string>>

interface Metric {
  readonly name: string
  readonly kind: 'gauge' | 'counter'
  readonly help: string
  readonly samples: readonly (readonly [value: number, labels?: Labels])[]
}

/** The figures of the store and of this process in the text format of Prometheus, version 0.0.4. */
export function renderMetrics(stats: StoreStats): string {
  return [...storeMetrics(stats), ...processMetrics()].map(render).join('')
}

function storeMetrics(stats: StoreStats): Metric[] {
  const { pending, running, retrying } = stats
  return [
    {
      name: 'evertick_schedules',
      kind: 'gauge',
      help: 'Schedules in the store, by state.',
      samples: Object.entries(stats.schedules).map(([state, count]) => [count, { state }]),
    },
    {
      name: 'evertick_runs_open',
      kind: 'gauge',
      help: 'Runs in the store that can still execute, by status.',
      samples: Object.entries({ pending, running, retrying }).map(([status, count]) => [count, { status }]),
    },
    {
      name: 'evertick_runs_unclaimed',
      kind: 'gauge',
      help: 'Waiting runs of tasks that no live node knows.',
      samples: Object.entries(stats.unclaimed).map(([task, count]) => [count, { task }]),
    },
    {
      name: 'evertick_overdue_seconds',
      kind: 'gauge',
      help: 'How long the most overdue active schedule has been due.',
      samples: [[overdueMs(stats) / 1000]],
    },
  ]
}

function processMetrics(): Metric[] {
  const { rss, heapUsed } = process.memoryUsage()
  const { user, system } = process.cpuUsage()
  return [
    {
      name: 'evertick_info',
      kind: 'gauge',
      help: 'Always 1; the labels tell what runs.',
      samples: [[1, { version: VERSION, node_version: process.version }]],
    },
    {
      name: 'process_cpu_seconds_total',
      kind: 'counter',
      help: 'Processor time of this process.',
      samples: [[(user + system) / 1e6]],
    },
    {
      name: 'process_resident_memory_bytes',
      kind: 'gauge',
      help: 'Memory of this process.',
      samples: [[rss]],
    },
    {
      name: 'process_start_time_seconds',
      kind: 'gauge',
      help: 'When this process began, in Unix time.',
      samples: [[performance.timeOrigin / 1000]],
    },
    {
      name: 'nodejs_heap_size_used_bytes',
      kind: 'gauge',
      help: 'JavaScript heap in use.',
      samples: [[heapUsed]],
    },
    {
      name: 'nodejs_eventloop_utilization',
      kind: 'gauge',
      help: 'The part of its life that the event loop was busy.',
      samples: [[performance.eventLoopUtilization().utilization]],
    },
  ]
}

function render({ name, kind, help, samples }: Metric): string {
  const lines = samples.map(
    ([value, labels]) => `${name}${labels === undefined ? '' : renderLabels(labels)} ${value}`,
  )
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${kind}`, ...lines, ''].join('\n')
}

function renderLabels(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => {
    const escaped = value
      .replaceAll('\\', String.raw`\\`)
      .replaceAll('"', String.raw`\"`)
      .replaceAll('\n', String.raw`\n`)
    return `${name}="${escaped}"`
  })
  return `{${pairs.join(',')}}`
}
