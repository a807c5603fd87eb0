const SHOWN = 10

/** What the cluster did in all, as lines of text. */
export function summary({ audit, figures, faults, failures, schedules }, ranMs, paint) {
  const { fireTimes, accounted, taken, again, failed } = audit.counts
  const rows = [
    ['fires', fireTimes, `of ${schedules} schedules in ${Math.round(ranMs / 1000)} s`],
    ['accounted for', accounted, 'each looked up, and held against what the handlers wrote'],
    ['taken over', taken, `${times('node', faults.killed)} killed, ${times('node', faults.frozen)} frozen`],
    ['tried again', again, `after a failure; ${failed} failed for good`],
    ['missed', audit.count('missed'), ''],
    ['ran twice', audit.count('twice'), ''],
    ['too early', audit.count('early'), ''],
    ['lateness', ...latenessCells(figures.latenessInAll)],
    ...(faults.redis === 0
      ? []
      : [
          [
            '  without Redis',
            ...latenessCells(figures.latenessAway),
            `; it was killed ${times('time', faults.redis)}`,
          ],
        ]),
  ]
  const problems = [...audit.problems.map(({ kind, text }) => `${kind}: ${text}`), ...failures]
  return [
    '',
    ...rows.map(([name, value, ...notes]) => {
      const number = typeof value === 'number' ? value.toLocaleString('en') : value
      return `  ${name.padEnd(16)}${paint('bold', number.padStart(9))}  ${paint('gray', notes.join(''))}`.trimEnd()
    }),
    '',
    ...problems.slice(0, SHOWN).map((problem) => `  ${paint('red', problem)}`),
    ...(problems.length > SHOWN ? [`  … and ${problems.length - SHOWN} more`] : []),
    `  ${problems.length > 0 ? paint('red', 'That must not be.') : paint('green', goodNews(audit.waiting))}`,
    '',
  ]
}

function latenessCells({ p50, p99, max }) {
  return [`${p99 ?? '-'} ms`, `p99; p50 ${p50 ?? '-'} ms, at most ${max ?? '-'} ms`]
}

function goodNews(waiting) {
  const left = waiting === 0 ? '' : ` ${waiting.toLocaleString('en')} were left under way.`
  return `Nothing was missed, and nothing ran twice.${left}`
}

function times(noun, count) {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
