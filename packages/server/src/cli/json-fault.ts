const TOKEN =
  // oxlint-disable-next-line no-control-regex -- JSON strings may not hold control characters
  /[{}[\],:]|"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y
const BLANK = /[ \t\n\r]*/y

type Expected = 'value' | 'value or end' | 'key' | 'key or end' | 'colon' | 'comma or end'

/**
 * Where `text` stops being JSON: the offset of the first token that cannot be there, or the length of the text when it
 * ends too early. `JSON.parse` tells this for some mistakes only, and differently in each release of Node.js.
 */
export function jsonFaultAt(text: string): number {
  const open: string[] = []
  let expected: Expected | null = 'value'
  for (let at = afterMatch(BLANK, text, 0); at < text.length; at = afterMatch(BLANK, text, at)) {
    const end = afterMatch(TOKEN, text, at)
    if (end === at) return at
    expected = step(text.slice(at, end), expected, open)
    if (expected === null) return at
    at = end
  }
  return text.length
}

/** What may follow `token`, or `null` when it may not be here. */
function step(token: string, expected: Expected, open: string[]): Expected | null {
  if (token === '}' || token === ']') {
    const opener = token === '}' ? '{' : '['
    const may = expected === 'comma or end' || expected === (token === '}' ? 'key or end' : 'value or end')
    return may && open.pop() === opener ? 'comma or end' : null
  }
  switch (expected) {
    case 'value':
    case 'value or end':
      if (token === ',' || token === ':') return null
      if (token !== '{' && token !== '[') return 'comma or end'
      open.push(token)
      return token === '{' ? 'key or end' : 'value or end'
    case 'key':
    case 'key or end':
      return token.startsWith('"') ? 'colon' : null
    case 'colon':
      return token === ':' ? 'value' : null
    default:
      if (token !== ',' || open.length === 0) return null
      return open.at(-1) === '{' ? 'key' : 'value'
  }
}

function afterMatch(pattern: RegExp, text: string, from: number): number {
  pattern.lastIndex = from
  return pattern.test(text) ? pattern.lastIndex : from
}
