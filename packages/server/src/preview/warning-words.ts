import type { ExplainLocale } from '@evertick/core'

interface Told {
  /** As the trigger asks for it: `2026-03-29T02:30:00`. */
  readonly wallTime: string
  readonly timezone: string
  /** What the clocks show before and after they are changed: `02:00`, `03:00`. */
  readonly from: string
  readonly to: string
}

interface WarningWords {
  /** `instead`: when it fires, `null` for not at all. */
  gap(told: Told, instead: string | null): string
  overlap(told: Told, pass: 'first' | 'second' | 'both'): string
}

const ENGLISH_PASSES = { first: 'the first time only', second: 'the second time only', both: 'both times' }
const CHINESE_PASSES = { first: '只在第一次触发', second: '只在第二次触发', both: '两次都触发' }

/** How a preview tells of clock changes. */
export const WARNING_WORDS: Readonly<Record<ExplainLocale, WarningWords>> = {
  en: {
    gap: ({ wallTime, timezone, from, to }, instead) =>
      `${spaced(wallTime)} does not exist in ${timezone}, where the clocks go from ${from} to ${to}; ` +
      (instead === null ? 'it does not fire' : `it fires at ${spaced(instead)} instead`),
    overlap: ({ wallTime, timezone, from, to }, pass) =>
      `${spaced(wallTime)} comes twice in ${timezone}, where the clocks go back from ${from} to ${to}; ` +
      `it fires ${ENGLISH_PASSES[pass]}`,
  },
  zh: {
    gap: ({ wallTime, timezone, from, to }, instead) =>
      `${timezone} 的时钟从 ${from} 拨到 ${to}，${spaced(wallTime)} 不存在；` +
      (instead === null ? '不触发' : `改在 ${spaced(instead)} 触发`),
    overlap: ({ wallTime, timezone, from, to }, pass) =>
      `${timezone} 的时钟从 ${from} 拨回 ${to}，${spaced(wallTime)} 出现两次；${CHINESE_PASSES[pass]}`,
  },
}

function spaced(wallTime: string): string {
  return wallTime.replace('T', ' ').replace(/:00$/, '')
}
