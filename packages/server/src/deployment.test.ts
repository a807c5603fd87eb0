import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { readServeConfig, SERVE_OPTIONS } from './config.js'
import { testServer } from './testing/test-server.js'

// None of these can be run in a test. So at least they speak of nothing that the server does not have.

const ROOT = new URL('../../../', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, ROOT), 'utf8')

const PORT = Number(SERVE_OPTIONS.port.default)
/** After the grace of a stop: until handlers that were aborted have ended, and what they did is reported. */
const AFTER_GRACE_SECONDS = 20
const TOKEN = 'a-token-of-some-length'

type Environment = Readonly<Record<string, string>>

function variablesAreKnown(environment: Environment): void {
  const known = new Set<string>(Object.values(SERVE_OPTIONS).map(({ variable }) => variable))
  const named = Object.keys(environment).filter((name) => name.startsWith('EVERTICK_'))
  expect(named.filter((name) => !known.has(name))).toEqual([])
}

/** Whether the server answers there: it may be unready, as this one is, which has not been started. */
async function answers(path: string): Promise<boolean> {
  await using server = await testServer()
  return [200, 503].includes((await server.call('GET', path)).status)
}

/** The paths of this server that a command asks. */
function pathsIn(text: string): string[] {
  return [...text.matchAll(/http:\/\/127\.0\.0\.1:(\d+)(\/\w+)/g)].map(([, port, path]) => {
    expect(Number(port)).toBe(PORT)
    return path!
  })
}

describe('Dockerfile', () => {
  const lines = read('Dockerfile')
    .replaceAll('\\\n', ' ')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
  const of = (word: string): string[] =>
    lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1))

  test('copies what is there', () => {
    const sources = of('COPY')
      .filter((copy) => !copy.startsWith('--from='))
      .flatMap((copy) => copy.split(/\s+/).slice(0, -1))
    expect(sources.filter((path) => !existsSync(new URL(path, ROOT)))).toEqual([])
    expect(sources).not.toContain('.')
  })

  test('leaves out nothing that the packages consist of', () => {
    const copied = of('COPY').flatMap((copy) => /^--from=build \/evertick\/(\S+)/.exec(copy)?.[1] ?? [])
    for (const folder of ['packages/core', 'packages/server']) {
      const { files } = JSON.parse(read(`${folder}/package.json`)) as { files: string[] }
      const folders = files.filter((name) => /^[a-z]+$/.test(name))
      expect(copied).toEqual(
        expect.arrayContaining(['package.json', ...folders].map((name) => `${folder}/${name}`)),
      )
    }
  })

  test('starts the server as a user without rights', () => {
    const [, program] = JSON.parse(of('ENTRYPOINT')[0]!) as [string, string]
    expect(existsSync(fileURLToPath(new URL(program, ROOT)))).toBe(true)
    expect(of('CMD').at(-1)).toBe('["serve"]')
    expect(of('USER').at(-1)).toBe('node')
    expect(lines.findIndex((line) => line.startsWith('USER'))).toBeLessThan(
      lines.findIndex((line) => line.startsWith('ENTRYPOINT')),
    )
  })

  test('runs on a Node.js that the packages take', () => {
    const { engines } = JSON.parse(read('package.json')) as { engines: { node: string } }
    const least = Number(/\d+/.exec(engines.node)![0])
    for (const image of of('FROM'))
      expect(Number(/^node:(\d+)-slim/.exec(image)![1])).toBeGreaterThanOrEqual(least)
  })

  test('knows the variables, the port and the paths of the server, and no secret', async () => {
    const environment = Object.fromEntries(
      of('ENV').flatMap((line) => line.split(' ').map((pair) => pair.split('=') as [string, string])),
    )
    variablesAreKnown(environment)
    expect(readServeConfig({}, { ...environment, EVERTICK_TOKEN: TOKEN })).toMatchObject({
      host: '0.0.0.0',
      port: PORT,
    })
    expect(of('EXPOSE')).toEqual([String(PORT)])
    const paths = pathsIn(read('Dockerfile'))
    expect(paths).toEqual(['/healthz'])
    for (const path of paths) expect(await answers(path)).toBe(true)
    expect(read('Dockerfile')).not.toMatch(/TOKEN|PASSWORD/)
  })
})

describe('docker-compose.yml', () => {
  interface Service {
    readonly image: string
    readonly build?: string
    readonly command?: string
    readonly environment?: Environment
    readonly ports?: readonly string[]
    readonly volumes?: readonly string[]
    readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
    readonly healthcheck: { readonly test: readonly string[] }
    readonly stop_grace_period?: string
  }
  const compose = parse(read('docker-compose.yml'), { merge: true }) as {
    readonly services: Readonly<Record<string, Service>>
    readonly volumes: Readonly<Record<string, unknown>>
  }
  const { redis, ...servers } = compose.services

  test('has three servers, each with settings that the server takes', () => {
    expect(Object.keys(servers).length).toBe(3)
    const hosts = Object.entries(servers).map(([name, { environment = {}, ports = [] }]) => {
      variablesAreKnown(environment)
      const config = readServeConfig({}, { ...environment, EVERTICK_HOST: '0.0.0.0', EVERTICK_TOKEN: TOKEN })
      expect(config).toMatchObject({ store: 'redis://redis:6379', port: PORT, nodeName: name })
      expect(ports.length).toBe(1)
      expect(ports[0]).toMatch(new RegExp(`^127\\.0\\.0\\.1:\\d+:${PORT}$`))
      return ports[0]
    })
    expect(new Set(hosts).size).toBe(3)
  })

  test('takes the token from outside, and does not start without one', () => {
    for (const { environment } of Object.values(servers))
      expect(environment?.['EVERTICK_TOKEN']).toMatch(/^\$\{EVERTICK_TOKEN:\?/)
  })

  test('asks whether they are ready', async () => {
    for (const { healthcheck, depends_on: needs } of Object.values(servers)) {
      expect(pathsIn(healthcheck.test.join(' '))).toEqual(['/readyz'])
      expect(needs).toEqual({ redis: { condition: 'service_healthy' } })
    }
    expect(await answers('/readyz')).toBe(true)
  })

  test('lets a stop come to its end', () => {
    for (const { environment = {}, stop_grace_period: grace } of Object.values(servers)) {
      const { stopGraceMs } = readServeConfig({}, { ...environment, EVERTICK_TOKEN: TOKEN })
      expect(Number(/^(\d+)s$/.exec(grace ?? '')![1])).toBeGreaterThanOrEqual(
        stopGraceMs / 1000 + AFTER_GRACE_SECONDS,
      )
    }
  })

  test('has a Redis that keeps what it is given', () => {
    expect(redis!.command).toMatch(/--appendonly yes\b/)
    expect(redis!.command).toMatch(/--maxmemory-policy noeviction\b/)
    expect(redis!.ports).toBeUndefined()
    const [volume, path] = redis!.volumes![0]!.split(':')
    expect(Object.keys(compose.volumes)).toContain(volume)
    expect(path).toBe('/data')
  })
})

describe('deploy/kubernetes.yaml', () => {
  interface Probe {
    readonly httpGet: { readonly path: string; readonly port: string }
  }
  interface Container {
    readonly args: readonly string[]
    readonly env: readonly {
      readonly name: string
      readonly value?: string
      readonly valueFrom?: { readonly secretKeyRef?: { readonly name: string; readonly key: string } }
    }[]
    readonly ports: readonly { readonly name: string; readonly containerPort: number }[]
    readonly startupProbe: Probe
    readonly livenessProbe: Probe
    readonly readinessProbe: Probe
    readonly lifecycle: { readonly preStop: { readonly exec: { readonly command: readonly string[] } } }
  }
  interface Selector {
    readonly matchLabels: Readonly<Record<string, string>>
  }
  const objects = parseAllDocuments(read('deploy/kubernetes.yaml')).map(
    (document) => document.toJS() as { readonly kind: string; readonly spec: unknown },
  )
  const specOf = (kind: string): unknown => objects.find((object) => object.kind === kind)?.spec
  const deployment = specOf('Deployment') as {
    readonly replicas: number
    readonly selector: Selector
    readonly template: {
      readonly metadata: { readonly labels: Readonly<Record<string, string>> }
      readonly spec: {
        readonly terminationGracePeriodSeconds: number
        readonly securityContext: { readonly runAsNonRoot: boolean }
        readonly topologySpreadConstraints: readonly { readonly labelSelector: Selector }[]
        readonly containers: readonly [Container]
      }
    }
  }
  const { spec: pod, metadata } = deployment.template
  const [container] = pod.containers
  const plain = Object.fromEntries(
    container.env.filter(({ value }) => value !== undefined).map(({ name, value }) => [name, value!]),
  )

  test('gives the server settings that it takes, and the secret ones by reference', () => {
    variablesAreKnown(Object.fromEntries(container.env.map(({ name }) => [name, ''])))
    expect(readServeConfig({}, { ...plain, EVERTICK_TOKEN: TOKEN })).toMatchObject({
      host: '0.0.0.0',
      port: PORT,
    })
    for (const [name, key] of [
      ['EVERTICK_STORE', 'store'],
      ['EVERTICK_TOKEN', 'token'],
    ]) {
      const found = container.env.find((variable) => variable.name === name)
      expect(found?.valueFrom?.secretKeyRef).toEqual({ name: 'evertick', key })
    }
    expect(container.args).toEqual(['serve'])
    expect(objects.map(({ kind }) => kind)).not.toContain('Secret')
  })

  test('asks the server under its port and paths', async () => {
    expect(container.ports).toEqual([{ name: 'http', containerPort: PORT }])
    const { startupProbe, livenessProbe, readinessProbe } = container
    expect([startupProbe, livenessProbe, readinessProbe].map(({ httpGet }) => httpGet)).toEqual([
      { path: '/healthz', port: 'http' },
      { path: '/healthz', port: 'http' },
      { path: '/readyz', port: 'http' },
    ])
    for (const { httpGet } of [livenessProbe, readinessProbe]) expect(await answers(httpGet.path)).toBe(true)
    const { ports } = specOf('Service') as { readonly ports: readonly { readonly targetPort: string }[] }
    expect(ports.map(({ targetPort }) => targetPort)).toEqual(['http'])
  })

  test('lets a stop come to its end', () => {
    const { stopGraceMs } = readServeConfig({}, { ...plain, EVERTICK_TOKEN: TOKEN })
    const [program, seconds] = container.lifecycle.preStop.exec.command
    expect(program).toBe('sleep')
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(
      Number(seconds) + stopGraceMs / 1000 + AFTER_GRACE_SECONDS,
    )
  })

  test('selects its own pods, spreads them, and never takes all away at once', () => {
    const budget = specOf('PodDisruptionBudget') as {
      readonly minAvailable: number
      readonly selector: Selector
    }
    const service = specOf('Service') as { readonly selector: Selector['matchLabels'] }
    const selectors = [
      deployment.selector.matchLabels,
      budget.selector.matchLabels,
      service.selector,
      ...pod.topologySpreadConstraints.map(({ labelSelector }) => labelSelector.matchLabels),
    ]
    expect(selectors.length).toBeGreaterThan(3)
    for (const selector of selectors) expect(metadata.labels).toMatchObject(selector)
    expect(deployment.replicas).toBe(3)
    expect(budget.minAvailable).toBeLessThan(deployment.replicas)
    expect(pod.securityContext.runAsNonRoot).toBe(true)
  })
})
