import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** Builds what is stale. @throws {Error} with what the compiler said. */
export function build(root) {
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  if (!existsSync(tsc)) throw new Error('The dependencies are missing; run `npm ci` first')
  for (const step of [[tsc, '-b'], [join(root, 'scripts/copy-lua.mjs')]]) {
    const { status, stdout, stderr } = spawnSync(process.execPath, step, { cwd: root, encoding: 'utf8' })
    if (status !== 0) throw new Error(`The build failed:\n${stdout}${stderr}`)
  }
}
