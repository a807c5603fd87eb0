import { describe, expect, test } from 'vitest'
import { locationOf, parseRedisUrl } from './url.js'

describe('a Redis URL', () => {
  test('says by default little', () => {
    expect(parseRedisUrl('redis://')).toEqual({
      hosts: [{ host: '127.0.0.1', port: 6379 }],
      username: null,
      password: null,
      database: 0,
      tls: false,
      ca: null,
      sentinel: null,
      sentinelUser: null,
      sentinelPassword: null,
      sentinelTls: false,
      prefix: 'evertick',
      shards: null,
      replicas: 0,
      volatile: false,
    })
  })

  test('can say everything', () => {
    const url =
      'rediss://jo%40x:p%3Aw@redis.example:6380/3?prefix=team-a&shards=64&replicas=1&volatile=true&ca=/etc/ca.pem'
    expect(parseRedisUrl(url)).toEqual({
      hosts: [{ host: 'redis.example', port: 6380 }],
      username: 'jo@x',
      password: 'p:w',
      database: 3,
      tls: true,
      ca: '/etc/ca.pem',
      sentinel: null,
      sentinelUser: null,
      sentinelPassword: null,
      sentinelTls: false,
      prefix: 'team-a',
      shards: 64,
      replicas: 1,
      volatile: true,
    })
  })

  test('may name several hosts, of a cluster or of sentinels', () => {
    expect(parseRedisUrl('redis://a:1,b,[::1]:3').hosts).toEqual([
      { host: 'a', port: 1 },
      { host: 'b', port: 6379 },
      { host: '::1', port: 3 },
    ])
    const sentinels = parseRedisUrl('redis://:secret@a,b:26380/0?sentinel=main')
    expect(sentinels).toMatchObject({ sentinel: 'main', username: null, password: 'secret' })
    expect(sentinels.hosts.map(({ port }) => port)).toEqual([26_379, 26_380])
    const guarded = 'redis://a?sentinel=main&sentinelUser=jo&sentinelPassword=p%26q&sentinelTls=true'
    expect(parseRedisUrl(guarded)).toMatchObject({
      password: null,
      sentinelUser: 'jo',
      sentinelPassword: 'p&q',
      sentinelTls: true,
    })
    expect(locationOf(parseRedisUrl(guarded))).not.toContain('p&q')
  })

  test('is shown without its secrets', () => {
    expect(locationOf(parseRedisUrl('redis://jo:secret@a:1,[::1]:2/3?prefix=x'))).toBe(
      'redis://a:1,[::1]:2/3?prefix=x',
    )
  })

  test.each([
    ['redis:/x', 'store.url', 'redis://'],
    ['redis://a:x', 'store.host', '"a:x"'],
    ['redis://a:70000', 'store.port', '"70000"'],
    ['redis://a/b', 'store.database', '"b"'],
    ['redis://a?prefx=1', 'store.parameter', '"prefx"'],
    ['redis://a?prefix={b}', 'store.prefix', '"{b}"'],
    ['redis://a?shards=0', 'store.shards', '"0"'],
    ['redis://a?shards=257', 'store.shards', '"257"'],
    ['redis://a?sentinelPassword=secret', 'store.sentinel', 'sentinel=NAME'],
    ['redis://a?volatile=1', 'store.volatile', '"1"'],
    ['redis://u%zz:secret@a', 'store.login', 'percent-encoded'],
    ['redis://u:secret/with@a', 'store.login', 'percent-encoded'],
    ['redis://u:p?secret@a', 'store.login', 'percent-encoded'],
  ])('%s is refused by rule %s', (url, rule, said) => {
    let refused: unknown
    try {
      parseRedisUrl(url)
    } catch (error) {
      refused = error
    }
    expect(refused).toMatchObject({ code: 'INVALID_OPTION', problems: [{ path: 'store', rule }] })
    expect(String(refused)).toContain(said)
    expect(String(refused)).not.toContain('secret')
  })
})
