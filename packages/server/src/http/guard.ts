import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { HttpError } from './errors.js'
import { hostOf, isLoopback } from './loopback.js'

/** Refuses a request by throwing, before its body is read. */
export type Guard = (request: FastifyRequest) => Promise<void>

/** Counts a wrong token, and answers whether its address has shown too many of them lately. */
export type CountFailure = (request: FastifyRequest) => Promise<boolean>

// What anyone may read: whether we live, and the page that asks for the token.
const OPEN = new Set(['/', '/static/landing.js', '/static/landing.css', '/healthz', '/readyz'])
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * With a token, everything but {@link OPEN} asks for it.
 * Both sides are hashed first, so that neither the content nor the length shows in how long the comparison takes.
 * The token is looked at before the count: who guesses must not shut out those that share the address, such as all
 * that come through one proxy.
 */
export function tokenGuard(token: string, countFailure: CountFailure): Guard {
  const expected = sha256(token)
  return async (request) => {
    // A route is open, not an address: what no route knows tells nobody anything.
    if (request.routeOptions.url !== undefined && OPEN.has(request.routeOptions.url)) return
    const given = /^Bearer +([\x21-\x7e]+) *$/i.exec(request.headers.authorization ?? '')?.[1]
    if (given !== undefined && timingSafeEqual(sha256(given), expected)) return
    if (given !== undefined && (await countFailure(request))) {
      const message = 'Too many wrong tokens came from this address; try again in a minute'
      throw new HttpError(429, 'UNAUTHORIZED', message, { 'retry-after': '60' })
    }
    const message =
      given === undefined
        ? 'This server asks for a token: send it as "Authorization: Bearer <token>"'
        : 'The token is not valid'
    throw new HttpError(401, 'UNAUTHORIZED', message, { 'www-authenticate': 'Bearer realm="evertick"' })
  }
}

/**
 * Without a token, whoever reaches the port is let in, so a web page must not be able to: not under a name that its
 * DNS points here (the Host header would tell), and not by sending a form or a `fetch` from elsewhere.
 */
export function browserGuard(): Guard {
  return (request) => {
    const { host, origin } = request.headers
    const name = host === undefined ? null : hostOf(host)
    if (name === null || !isLoopback(name)) {
      const shown = JSON.stringify(host ?? '')
      return refuse(`The Host header must name this machine (localhost, 127.0.0.1 or [::1]), but is ${shown}`)
    }
    if (SAFE_METHODS.has(request.method)) return Promise.resolve()
    if (request.headers['sec-fetch-site'] === 'cross-site')
      return refuse('A page of another site sent this request')
    if (origin !== undefined && origin.toLowerCase() !== `http://${host}`.toLowerCase()) {
      return refuse(`A page of ${JSON.stringify(origin)} sent this request, which is not this server`)
    }
    return Promise.resolve()
  }
}

function refuse(message: string): Promise<never> {
  return Promise.reject(new HttpError(403, 'FORBIDDEN', message))
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
