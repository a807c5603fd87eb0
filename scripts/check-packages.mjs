// What will be published is what it says it is: exports resolve, types are found, versions agree.
import { readFileSync } from 'node:fs'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'

const failures = []
const versions = new Map()

for (const folder of ['packages/core', 'packages/server']) {
  const manifest = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8'))
  versions.set(manifest.name, manifest.version)
  const { messages } = await publint({ pkgDir: folder, pack: false, strict: true })
  failures.push(...messages.map((message) => `${manifest.name}: ${formatMessage(message, manifest)}`))
}

// The core states its version without reading a file when it is imported.
const stated = /VERSION = '([^']+)'/.exec(readFileSync('packages/core/src/version.ts', 'utf8'))?.[1]
if (stated !== versions.get('@evertick/core')) {
  failures.push(
    `packages/core/src/version.ts says ${stated}, but package.json says ${versions.get('@evertick/core')}`,
  )
}

const needed = JSON.parse(readFileSync('packages/server/package.json', 'utf8')).dependencies['@evertick/core']
if (needed !== versions.get('@evertick/core')) {
  failures.push(`evertick needs @evertick/core ${needed}, but it is ${versions.get('@evertick/core')}`)
}

for (const failure of failures) console.error(failure)
process.exitCode = failures.length === 0 ? 0 : 1
