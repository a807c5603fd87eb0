/**
 * The version of the time zone database that this process computes with, such as `2026a`; `unknown` where the runtime
 * does not tell. Two processes with different versions may disagree about when a wall clock shows a time.
 */
export const TZDATA: string = process.versions['tz'] ?? 'unknown'
