// What a stop of the demo missed is recorded once, instead of being made up for one by one.
const misfireGraceMs = 1000

/**
 * The schedules of the demo. `url` is where the server answers, `folder` where the demo may write.
 * Each has another kind of trigger or task.
 */
export function demoSchedules(url, folder) {
  return [
    {
      id: 'heartbeat',
      description: 'Every two seconds, in this process.',
      task: 'heartbeat',
      trigger: { kind: 'interval', every: { seconds: 2 } },
      misfireGraceMs,
      input: { folder },
    },
    {
      id: 'tidy-logs',
      description: 'By a cron expression with seconds.',
      task: 'tidy-logs',
      trigger: { kind: 'cron', expression: '*/10 * * * * *' },
      misfireGraceMs,
      input: { folder, keepMinutes: 10 },
    },
    {
      id: 'flaky',
      description: 'Fails twice and is tried again after 0.5 s and 1 s.',
      task: 'flaky',
      trigger: { kind: 'interval', every: { seconds: 15 } },
      misfireGraceMs,
    },
    {
      id: 'check-health',
      description: 'Calls a URL: here the server asks itself how it is.',
      task: 'http',
      trigger: { kind: 'interval', every: { seconds: 5 } },
      misfireGraceMs,
      input: { url: `${url}/healthz` },
      timeoutMs: 2000,
    },
    {
      id: 'disk-report',
      description: 'Runs a program.',
      task: 'command',
      trigger: { kind: 'interval', every: { seconds: 20 } },
      misfireGraceMs,
      input:
        process.platform === 'win32'
          ? { program: 'node', args: ['--version'] }
          : { program: 'df', args: ['-h', '.'] },
    },
  ]
}
