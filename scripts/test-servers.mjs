// Sees to it that the programs are there that tests need besides Node.js: finds them, or installs them where it may.
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const POLICY = '/usr/sbin/policy-rc.d'
/** Debian's packages, and the program that each brings. */
const NEEDED = {
  'redis-server': 'redis-server',
  faketime: 'faketime',
  postgresql: 'postgres',
  pgbouncer: 'pgbouncer',
}

/** Where Debian puts the programs of PostgreSQL, a folder for each version. */
const POSTGRES = '/usr/lib/postgresql'
/** Debian's place for daemons, which is not in the PATH of every user. */
const SYSTEM = '/usr/sbin'
const PATH = (process.env.PATH ?? '').split(':').filter((folder) => folder !== '')

function missing() {
  const versions = existsSync(POSTGRES) ? readdirSync(POSTGRES) : []
  const folders = [...PATH, SYSTEM, ...versions.map((version) => join(POSTGRES, version, 'bin'))]
  const isThere = (program) => folders.some((folder) => existsSync(join(folder, program)))
  return Object.keys(NEEDED).filter((name) => !isThere(NEEDED[name]))
}

/** Without starting what is installed: a server at its usual port is nobody's wish. */
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
