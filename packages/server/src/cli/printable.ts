/**
 * Text from elsewhere (messages of tasks, lines of logs) made safe for a terminal: control characters, which could
 * move the cursor or forge output, become visible. Line breaks and tabs stay.
 */
export function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what this looks for
  return text.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g, (character) => {
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`
  })
}

/** The same on one line, cut to `length` characters. */
export function oneLine(text: string, length: number): string {
  const line = printable(text).replace(/\s+/g, ' ').trim()
  return line.length > length ? `${line.slice(0, length - 1)}…` : line
}
