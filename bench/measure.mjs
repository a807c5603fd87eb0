// What the measurements have in common.
import { readFileSync } from 'node:fs'

export function sleep(ms) {
  return new Promise((resolve) => void setTimeout(resolve, ms))
}

/** How many milliseconds it took. */
export async function timed(work) {
  const before = performance.now()
  await work()
  return performance.now() - before
}

/** The middle, the worst of a hundred, and the worst. */
export function spread(values) {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? null
  return { p50: at(0.5), p99: at(0.99), max: at(1) }
}

/** Milliseconds of a process on a core, from the kernel, so that asking costs the process nothing. */
export function cpuMsOf(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}
