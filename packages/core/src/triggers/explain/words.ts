import type { DstJson } from '../dst.js'

export const EXPLAIN_LOCALES = ['en', 'zh'] as const

/** A language in which triggers can be explained. */
export type ExplainLocale = (typeof EXPLAIN_LOCALES)[number]

export type Unit = 'years' | 'months' | 'weeks' | 'days' | 'hours' | 'minutes' | 'seconds' | 'milliseconds'

/** The phrases of one language. Texts that come in are names, dates and numbers as they stand in the JSON. */
export interface Words {
  /** The locale as cronstrue calls it. */
  readonly cronstrue: string
  /** What cronstrue puts before a day of the week that stands alone. */
  readonly only: string
  readonly comma: string
  readonly semicolon: string
  readonly or: string
  /** cronstrue's text with the punctuation of the language. */
  punctuated(text: string): string
  amount(count: number, unit: Unit): string
  zone(text: string, zone: string): string
  once(at: string): string
  every(length: string): string
  afterRun(length: string): string
  at(text: string, times: readonly string[]): string
  from(text: string, start: string): string
  overflowSkips(text: string): string
  rule(rule: string): string
  dates(text: string, plus: readonly string[], minus: readonly string[]): string
  any(members: readonly string[]): string
  all(members: readonly string[]): string
  notBefore(start: string): string
  notAfter(end: string): string
  notOn(dates: readonly string[]): string
  range(from: string, to: string): string
  calendar(name: string): string
  weekday(name: string): string
  instead(where: string): string
  inYears(years: readonly string[]): string
  yearSteps(step: string, from: string, to: string): string
  readonly hashed: string
  dst(choice: DstJson): string[]
}

const ENGLISH_DAYS: Readonly<Record<string, string>> = {
  SUN: 'Sundays',
  MON: 'Mondays',
  TUE: 'Tuesdays',
  WED: 'Wednesdays',
  THU: 'Thursdays',
  FRI: 'Fridays',
  SAT: 'Saturdays',
}

const ENGLISH_GAPS = {
  shift: null,
  after: 'times that the clocks skip are moved to when they have jumped',
  skip: 'times that the clocks skip are left out',
}

const ENGLISH_OVERLAPS = {
  auto: null,
  first: 'of times that the clocks show twice, the first counts',
  last: 'of times that the clocks show twice, the last counts',
  both: 'times that the clocks show twice count twice',
}

const english: Words = {
  cronstrue: 'en',
  only: 'only ',
  comma: ', ',
  semicolon: '; ',
  or: ' or ',
  punctuated: (text) => text,
  amount: (count, unit) => `${count} ${count === 1 ? unit.slice(0, -1) : unit}`,
  zone: (text, zone) => `${text} (${zone})`,
  once: (at) => `Once, at ${at}`,
  every: (length) => `Every ${length.replace(/^1 (\w+)$/, '$1')}`,
  afterRun: (length) => `${length} after the end of the last run`,
  at: (text, times) => `${text} at ${listed(times, ', ', ' and ')}`,
  from: (text, start) => `${text}, from ${start} on`,
  overflowSkips: (text) => `${text}, except in months that lack the day`,
  rule: (rule) => `By the recurrence rule ${rule}`,
  dates: (text, plus, minus) =>
    text +
    (plus.length === 0 ? '' : `, and at ${listed(plus, ', ', ' and ')}`) +
    (minus.length === 0 ? '' : `, but not at ${listed(minus, ', ', ' and ')}`),
  any: (members) => `Whenever one of these fires: ${members.join('; or: ')}`,
  all: (members) => `When all of these fire at once: ${members.join('; and: ')}`,
  notBefore: (start) => `not before ${start}`,
  notAfter: (end) => `not after ${end}`,
  notOn: (dates) => `not on ${listed(dates, ', ', ' or ')}`,
  range: (from, to) => `${from} to ${to}`,
  calendar: (name) => `the days of the calendar “${name}”`,
  weekday: (name) => ENGLISH_DAYS[name] ?? name,
  instead: (where) => `but on the nearest other date ${where === 'next' ? 'after' : 'before'} instead`,
  inYears: (years) => `in ${/^\d+$/.test(years.join()) ? '' : 'the years '}${listed(years, ', ', ' and ')}`,
  yearSteps: (step, from, to) => `every ${step} years from ${from} to ${to}`,
  hashed: 'H is chosen by the id of the schedule',
  dst: ({ gap = 'shift', overlap = 'auto' }) => present([ENGLISH_GAPS[gap], ENGLISH_OVERLAPS[overlap]]),
}

const CHINESE_UNITS: Readonly<Record<Unit, string>> = {
  years: '年',
  months: '个月',
  weeks: '周',
  days: '天',
  hours: '小时',
  minutes: '分钟',
  seconds: '秒',
  milliseconds: '毫秒',
}

const CHINESE_DAYS: Readonly<Record<string, string>> = {
  SUN: '星期日',
  MON: '星期一',
  TUE: '星期二',
  WED: '星期三',
  THU: '星期四',
  FRI: '星期五',
  SAT: '星期六',
}

const CHINESE_GAPS = {
  shift: null,
  after: '被时钟跳过的时间改在跳变之后立即触发',
  skip: '被时钟跳过的时间不触发',
}

const CHINESE_OVERLAPS = {
  auto: null,
  first: '时钟重复显示的时间以第一次为准',
  last: '时钟重复显示的时间以最后一次为准',
  both: '时钟重复显示的时间两次都触发',
}

const chinese: Words = {
  cronstrue: 'zh_CN',
  only: '仅',
  comma: '，',
  semicolon: '；',
  or: '或',
  punctuated: (text) =>
    text
      .replaceAll(', 和', ' 和')
      .replace(/(?<=\d), (?=\d)/g, '、')
      .replaceAll(', ', '，')
      .replace(/ {2,}/g, ' '),
  amount: (count, unit) => `${count} ${CHINESE_UNITS[unit]}`,
  zone: (text, zone) => `${text}（${zone}）`,
  once: (at) => `仅一次：${at}`,
  every: (length) => `每 ${length}`,
  afterRun: (length) => `上一次运行结束 ${length}后`,
  at: (text, times) => `${text}的 ${times.join('、')}`,
  from: (text, start) => `${text}，从 ${start} 开始`,
  overflowSkips: (text) => `${text}，没有该日的月份除外`,
  rule: (rule) => `按照重复规则 ${rule}`,
  dates: (text, plus, minus) =>
    text +
    (plus.length === 0 ? '' : `，另加 ${plus.join('、')}`) +
    (minus.length === 0 ? '' : `，${minus.join('、')} 除外`),
  any: (members) => `以下任意一项触发时：${members.join('；或者：')}`,
  all: (members) => `以下各项同时触发时：${members.join('；并且：')}`,
  notBefore: (start) => `不早于 ${start}`,
  notAfter: (end) => `不晚于 ${end}`,
  notOn: (dates) => `${dates.join('、')} 除外`,
  range: (from, to) => `${from} 至 ${to}`,
  calendar: (name) => `日历“${name}”中的日期`,
  weekday: (name) => CHINESE_DAYS[name] ?? name,
  instead: (where) => `改在${where === 'next' ? '其后' : '其前'}最近的其他日期`,
  inYears: (years) => `仅于 ${years.join('、')} 年`,
  yearSteps: (step, from, to) => `${from} 至 ${to} 年间每 ${step} 年`,
  hashed: 'H 由计划的 id 决定',
  dst: ({ gap = 'shift', overlap = 'auto' }) => present([CHINESE_GAPS[gap], CHINESE_OVERLAPS[overlap]]),
}

export const WORDS: Readonly<Record<ExplainLocale, Words>> = { en: english, zh: chinese }

function listed(items: readonly string[], comma: string, last: string): string {
  return items.length < 2 ? items.join() : items.slice(0, -1).join(comma) + last + items.at(-1)!
}

function present(texts: readonly (string | null)[]): string[] {
  return texts.filter((text) => text !== null)
}
