// Sees to it that the programs are there that tests need besides Node.js: finds them, or installs them where it may.
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const POLICY = '/usr/sbin/policy-rc.d'
/** Debian's packages, each named after the program that it brings. */
const NEEDED = ['redis-server', 'faketime']

const FOLDERS = (process.env.PATH ?? '').split(':').filter((folder) => folder !== '')
const missing = () => NEEDED.filter((name) => !FOLDERS.some((folder) => existsSync(join(folder, name))))

/** Without starting what is installed: a Redis of its own on port 6379 is nobody's wish. */
function install(packages) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const apt = (...args) =>
    spawnSync('apt-get', args, { stdio: ['ignore', 'inherit', 'inherit'], env }).status === 0
  // Asked before a service is started, with or without systemd. One that is there has its reasons.
  const forbids = !existsSync(POLICY)
  if (forbids) {
    writeFileSync(POLICY, '#!/bin/sh\nexit 101\n')
    chmodSync(POLICY, 0o755)
  }
  try {
    if (apt('update')) apt('install', '-y', '--no-install-recommends', ...packages)
  } finally {
    if (forbids) rmSync(POLICY)
  }
}

const packages = missing()
if (packages.length > 0) {
  const canInstall = process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')
  if (canInstall) console.log(`Installing ${packages.join(' and ')}, which tests need …`)
  if (canInstall) install(packages)
  const left = missing()
  if (left.length > 0) {
    console.error(
      `Tests need ${left.join(' and ')}. Install them, on Debian or Ubuntu by\n` +
        `  sudo apt-get install --no-install-recommends ${left.join(' ')}\n` +
        'and elsewhere so that they are found in the PATH.',
    )
    process.exitCode = 1
  }
}
