import { isIPv4 } from 'node:net'

/** Whether only this machine can be meant by `host`: a name or an address, an IPv6 one with or without brackets. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[(.*)\]$/, '$1')
  return name === 'localhost' || name === '::1' || (isIPv4(name) && name.startsWith('127.'))
}

/** The host of an authority such as `localhost:4747` or `[::1]:4747`; `null` for text that is none. */
export function hostOf(authority: string): string | null {
  return /^(\[[0-9a-fA-F:.]+\]|[^\s:/@[\]]+)(?::\d{1,5})?$/.exec(authority)?.[1] ?? null
}
