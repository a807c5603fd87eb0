// Late is better than never here: whatever happens to the nodes, every fire time shall become a run that runs. And a run
// that waits for its dead node to be noticed shall not hold up the next one.
const POLICY = { catchUp: 'all', overlap: 'allow' }

const range = (count) => Array.from({ length: count }, (_, i) => i)

/**
 * Some hundred schedules of different kinds. `from` is when the first may fire, `target` the URL that some call, `ledger` the
 * file that the command writes its line to.
 */
export function clusterSchedules({ from, target, ledger }) {
  const every = (milliseconds, offsetMs) => ({
    kind: 'interval',
    every: { milliseconds },
    start: new Date(from + offsetMs).toISOString(),
  })
  const schedules = [
    // Spread over the second, so that there is always something to do …
    ...range(180).map((i) => ({ id: `beat-${i + 1}`, task: 'beat', trigger: every(1000, (i * 1000) / 180) })),
    ...range(60).map((i) => ({ id: `sync-${i + 1}`, task: 'sync', trigger: every(3000, i * 50) })),
    // … and some that all want to begin at the same instant.
    ...range(40).map((i) => ({
      id: `cron-${i + 1}`,
      task: 'beat',
      trigger: { kind: 'cron', expression: '*/2 * * * * *' },
    })),
    ...range(6).map((i) => ({ id: `report-${i + 1}`, task: 'report', trigger: every(15_000, i * 2500) })),
    ...range(3).map((i) => ({
      id: `flaky-${i + 1}`,
      task: 'flaky',
      trigger: { kind: 'interval', every: { seconds: 5 } },
    })),
    ...range(5).map((i) => ({
      id: `http-${i + 1}`,
      task: 'http',
      trigger: every(2000, i * 400),
      input: { url: target },
      // A connection that was kept open may be closed just as it is used again.
      retry: { maxAttempts: 5, initialDelayMs: 200 },
      timeoutMs: 5000,
    })),
    {
      id: 'rrule-1',
      task: 'beat',
      trigger: {
        kind: 'rrule',
        rrule: 'FREQ=SECONDLY;INTERVAL=7',
        dtstart: new Date(from).toISOString().slice(0, 19),
      },
    },
    {
      id: 'any-1',
      task: 'sync',
      trigger: { kind: 'any', triggers: [every(11_000, 0), { kind: 'cron', expression: '0,30 * * * * *' }] },
    },
    {
      id: 'command-1',
      task: 'command',
      trigger: { kind: 'interval', every: { seconds: 10 } },
      input: {
        program: 'sh',
        args: [
          '-c',
          `printf '{"event":"start","run":"%s","attempt":%s,"fence":%s}\\n' "$EVERTICK_RUN_ID" "$EVERTICK_ATTEMPT" "$EVERTICK_FENCE" >> "$LEDGER"`,
        ],
        env: { LEDGER: ledger },
      },
    },
  ]
  return schedules.map((schedule) => Object.assign(schedule, POLICY))
}
