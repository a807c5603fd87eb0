import { isPlainObject } from '../domain/json.js'

/** The names of the calendars that a trigger refers to, however nested, each once. Takes any JSON, also of unknown kinds. */
export function calendarNames(trigger: unknown): readonly string[] {
  const names = new Set<string>()
  const waiting: unknown[] = [trigger]
  while (waiting.length > 0) {
    const json = waiting.pop()
    if (!isPlainObject(json)) continue
    if (isPlainObject(json.exclude) && typeof json.exclude.calendar === 'string') {
      names.add(json.exclude.calendar)
    }
    if (Array.isArray(json.triggers)) waiting.push(...(json.triggers as unknown[]))
  }
  return [...names].toSorted()
}
