import { InvalidError } from '../domain/errors.js'

// What the URLs of stores on servers have in common. Whatever is wrong is told without the password.

export interface Login {
  readonly user: string | null
  readonly password: string | null
}

/** `text` is what stands before the `@` of the URL, `undefined` where it has none. @throws {InvalidError} INVALID_OPTION */
export function parseLogin(text: string | undefined, url: string): Login {
  // Else parts of a password would be taken for a host or a parameter, and shown.
  if (text === undefined && url.includes('@')) throw notEncoded()
  if (text === undefined) return { user: null, password: null }
  const colon = text.indexOf(':')
  const user = colon === -1 ? text : text.slice(0, colon)
  return {
    user: user === '' ? null : decoded(user),
    password: colon === -1 ? null : decoded(text.slice(colon + 1)),
  }
}

/** @throws {InvalidError} INVALID_OPTION: there are others than the known ones. */
export function parseParameters(query: string, known: readonly string[]): URLSearchParams {
  const parameters = new URLSearchParams(query)
  for (const name of parameters.keys()) {
    if (!known.includes(name))
      throw wrong('store.parameter', `store has the parameter "${name}", but knows only ${known.join(', ')}`)
  }
  return parameters
}

/** @throws {InvalidError} INVALID_OPTION */
export function parseFlag(parameters: URLSearchParams, name: string, otherwise = false): boolean {
  const text = parameters.get(name)
  if (text === null) return otherwise
  if (text === 'false') return false
  if (text === 'true') return true
  throw wrong(`store.${name}`, `store: ${name} must be true or false, but is ${JSON.stringify(text)}`)
}

/** @throws {InvalidError} INVALID_OPTION */
export function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw notEncoded()
  }
}

function notEncoded(): InvalidError {
  return wrong('store.login', 'store: the user, password and database must be percent-encoded')
}

export function wrong(rule: string, message: string): InvalidError {
  return new InvalidError('INVALID_OPTION', [{ path: 'store', rule, message }])
}
