import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { defineTask } from '../domain/define-task.js'
import { LEASE_DEFAULTS } from '../domain/lease.js'
import { ADAPTIVE_DEFAULTS, POLICY_DEFAULTS } from '../domain/policies.js'
import { RETRY_DEFAULTS } from '../domain/retry.js'
import { MemoryStore } from '../stores/memory/index.js'
import { completeOptions } from './options.js'

/** Every `@default` of an interface: the field's name, and what the tag says. */
function tagged(file: string, name: string): Record<string, string> {
  const source = readFileSync(new URL(`../${file}`, import.meta.url), 'utf8')
  const body = new RegExp(`interface ${name}\\b[^{]*{\\n([\\s\\S]*?)\\n}`).exec(source)?.[1]
  expect(body, `${file} has no interface ${name}`).toBeDefined()
  const tags: Record<string, string> = {}
  for (const [, comment, field] of body!.matchAll(/\/\*\*((?:(?!\*\/)[\s\S])*?)\*\/\s*readonly (\w+)/g)) {
    const tag = /@default ([^\n*]+)/.exec(comment!)?.[1]
    if (tag !== undefined) tags[field!] = tag.trim()
  }
  return tags
}

/** The tag that a default must have, up to an explanation in brackets. */
function asTag(value: unknown): string {
  return typeof value === 'string'
    ? `'${value}'`
    : Array.isArray(value)
      ? `[${value.map(asTag).join(', ')}]`
      : String(value)
}

function expectAgreement(
  tags: Record<string, string>,
  defaults: object,
  except: readonly string[] = [],
): void {
  const fields = Object.keys(defaults).filter((field) => !except.includes(field))
  expect(Object.keys(tags).toSorted()).toEqual(fields.toSorted())
  for (const field of fields) {
    const value = asTag((defaults as Record<string, unknown>)[field])
    expect([value, ...explained(value)], field).toContainEqual(tags[field]!.replace(/ \([^)]*\)$/, ''))
  }
}

/** How a tag may say it in words. */
function explained(value: string): string[] {
  return value === 'null' ? ['null', 'none'] : []
}

test('the defaults of a policy are those of its tags', () => {
  const { history, ...rest } = POLICY_DEFAULTS
  expectAgreement(tagged('domain/policies.ts', 'SchedulePolicy'), rest)
  expectAgreement(tagged('domain/policies.ts', 'HistoryPolicy'), history)
  expectAgreement(tagged('domain/policies.ts', 'AdaptivePolicy'), ADAPTIVE_DEFAULTS)
})

test('the defaults of retries are those of their tags', () => {
  expectAgreement(tagged('domain/retry.ts', 'RetryPolicy'), RETRY_DEFAULTS)
})

test('the defaults of a lease are those of their tags', () => {
  expectAgreement(tagged('domain/lease.ts', 'LeaseTiming'), LEASE_DEFAULTS)
})

test('the defaults of a task are those of their tags', () => {
  const { retry, timeoutMs } = defineTask({ name: 'any', run: () => {} })
  expectAgreement(tagged('domain/task.ts', 'TaskOptions'), { retry, timeoutMs })
})

test('the defaults of a scheduler are those of their tags', () => {
  const { stopGraceMs, groups, slots, name } = completeOptions({ store: new MemoryStore() })
  const tags = tagged('client/types.ts', 'SchedulerOptions')
  expect(tags['log']).toBe('silent')
  expectAgreement({ stopGraceMs: tags['stopGraceMs']! }, { stopGraceMs })
  const node = tagged('client/types.ts', 'NodeOptions')
  expect(node['name']).toBe('host name and process id')
  expect(name).toMatch(new RegExp(`.+-${process.pid}$`))
  expectAgreement({ groups: node['groups']!, slots: node['slots']! }, { groups, slots })
})

test('all defaults are frozen', () => {
  for (const defaults of [
    ADAPTIVE_DEFAULTS,
    POLICY_DEFAULTS,
    POLICY_DEFAULTS.history,
    RETRY_DEFAULTS,
    LEASE_DEFAULTS,
  ]) {
    expect(Object.isFrozen(defaults)).toBe(true)
  }
})
