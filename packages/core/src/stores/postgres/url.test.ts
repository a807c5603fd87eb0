import { describe, expect, test } from 'vitest'
import { locationOf, parsePostgresUrl } from './url.js'

describe('a PostgreSQL URL', () => {
  test('says by default little', () => {
    expect(parsePostgresUrl('postgres://')).toEqual({
      host: '127.0.0.1',
      port: 5432,
      user: null,
      password: null,
      database: null,
      schema: 'evertick',
      migrate: true,
      pooler: false,
      tls: 'disable',
      ca: null,
    })
  })

  test('can say everything', () => {
    const url =
      'postgresql://jo%40x:p%3Aw@db.example:6432/my%20db?schema=team-a&migrate=false&pooler=true&sslmode=verify-full&sslrootcert=/etc/ca.pem'
    expect(parsePostgresUrl(url)).toEqual({
      host: 'db.example',
      port: 6432,
      user: 'jo@x',
      password: 'p:w',
      database: 'my db',
      schema: 'team-a',
      migrate: false,
      pooler: true,
      tls: 'verify-full',
      ca: '/etc/ca.pem',
    })
  })

  test('that names certificates wants the server to have one of them', () => {
    expect(parsePostgresUrl('postgres://[::1]/x?sslrootcert=/etc/ca.pem')).toMatchObject({
      host: '::1',
      tls: 'verify-full',
    })
  })

  test('is shown without its secrets', () => {
    expect(locationOf(parsePostgresUrl('postgres://jo:secret@[::1]:2/my%20db?schema=x'))).toBe(
      'postgres://[::1]:2/my%20db?schema=x',
    )
  })

  test.each([
    ['postgres:/x', 'store.url', 'postgres://'],
    ['postgres://a,b/x', 'store.host', '"a,b"'],
    ['postgres://a:70000/x', 'store.host', '"a:70000"'],
    ['postgres://a/x?shema=1', 'store.parameter', '"shema"'],
    ['postgres://a/x?schema=', 'store.schema', '""'],
    ['postgres://a/x?schema=pg_x', 'store.schema', '"pg_x"'],
    [`postgres://a/x?schema=${'x'.repeat(64)}`, 'store.schema', '63'],
    ['postgres://a/x?migrate=no', 'store.migrate', '"no"'],
    ['postgres://a/x?pooler=1', 'store.pooler', '"1"'],
    ['postgres://a/x?sslmode=prefer', 'store.sslmode', '"prefer"'],
    ['postgres://a/x/y', 'store.url', 'postgres://'],
    ['postgres://u%zz:secret@a/x', 'store.login', 'percent-encoded'],
    ['postgres://u:1/secret@a/x', 'store.login', 'percent-encoded'],
    ['postgres://u:1/secret@a', 'store.login', 'percent-encoded'],
    ['postgres://u:p?secret@a/x', 'store.login', 'percent-encoded'],
  ])('%s is refused by rule %s', (url, rule, said) => {
    let refused: unknown
    try {
      parsePostgresUrl(url)
    } catch (error) {
      refused = error
    }
    expect(refused).toMatchObject({ code: 'INVALID_OPTION', problems: [{ path: 'store', rule }] })
    expect(String(refused)).toContain(said)
    expect(String(refused)).not.toContain('secret')
  })
})
