#!/usr/bin/env node
import { existsSync } from 'node:fs'

const built = new URL('../dist/cli/main.js', import.meta.url)
if (existsSync(built)) {
  // A reader that has seen enough, such as `head`, is no failure.
  process.stdout.on('error', (error) => process.exit(error.code === 'EPIPE' ? 0 : 1))
  const { processIo, runCli } = await import(built.href)
  process.exitCode = await runCli(process.argv.slice(2), processIo())
} else {
  process.stderr.write('error NOT_BUILT: evertick has not been built yet; run `npm run build` first\n')
  process.exitCode = 1
}
