import { stripVTControlCharacters } from 'node:util'
import type { Style } from './style.js'

/** Lines of aligned columns under their titles; the last column is cut where the terminal ends. */
export function table(
  titles: readonly string[],
  rows: readonly (readonly string[])[],
  style: Style,
  columns = Number.POSITIVE_INFINITY,
): string {
  const widths = titles.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => widthOf(row[column] ?? ''))),
  )
  const before = widths.slice(0, -1).reduce((sum, width) => sum + width + 2, 0)
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => {
        if (column < titles.length - 1) return cell + ' '.repeat(widths[column]! - widthOf(cell))
        return cut(cell, Math.max(10, columns - before))
      })
      .join('  ')
      .trimEnd()
  return [style.dim(line(titles)), ...rows.map(line)].map((text) => `${text}\n`).join('')
}

/** Lines of `name  value`, for one thing in full. Names without a value are left out. */
export function fieldList(fields: readonly (readonly [string, string | null])[], style: Style): string {
  const given = fields.filter((field): field is readonly [string, string] => field[1] !== null)
  const width = Math.max(0, ...given.map(([name]) => name.length))
  const indent = `\n${' '.repeat(width + 2)}`
  return given
    .map(([name, value]) => `${style.dim(name.padEnd(width))}  ${value.replaceAll('\n', indent)}\n`)
    .join('')
}

function widthOf(cell: string): number {
  return stripVTControlCharacters(cell).length
}

function cut(cell: string, width: number): string {
  // Cutting through a colour would leave the terminal in it.
  return widthOf(cell) > width && widthOf(cell) === cell.length ? `${cell.slice(0, width - 1)}…` : cell
}
