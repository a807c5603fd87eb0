import type { FastifyRequest } from 'fastify'
import { HttpError } from './errors.js'
import type { App } from './routes/types.js'

interface Address {
  readonly pattern: RegExp
  readonly methods: Set<string>
}

/** Tells an address that does not exist from one that does not answer this method. To be called before any route. */
export function refuseUnknownAddresses(app: App): void {
  const addresses = new Map<string, Address>()

  app.addHook('onRoute', ({ url, method }) => {
    const address = addresses.get(url) ?? { pattern: patternOf(url), methods: new Set() }
    addresses.set(url, address)
    for (const name of [method].flat()) address.methods.add(name)
  })

  app.setNotFoundHandler((request) => {
    throw refusal(request, addresses.values())
  })
}

function refusal({ method, url }: FastifyRequest, addresses: Iterable<Address>): HttpError {
  const path = url.split('?', 1)[0]!
  const methods = new Set<string>()
  for (const address of addresses) {
    if (address.pattern.test(path)) for (const name of address.methods) methods.add(name)
  }
  if (methods.size === 0) {
    return new HttpError(404, 'NOT_FOUND', `There is nothing at ${path}; /docs shows what there is`)
  }
  const allow = [...methods].toSorted().join(', ')
  return new HttpError(405, 'BAD_REQUEST', `${path} does not answer ${method}; it answers ${allow}`, {
    allow,
  })
}

function patternOf(route: string): RegExp {
  const parts = route.split('/').map((part) => {
    if (part.startsWith(':')) return '[^/]+'
    return part === '*' ? '.*' : part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
  })
  return new RegExp(`^${parts.join('/')}$`)
}
