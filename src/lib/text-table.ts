// Plain text tables as the original command line printed them: left-aligned cells, two spaces between columns, and a
// second row of dashes whose lengths the caller may set.

export interface Column {
  readonly title: string
  /** How many dashes stand under the title; the title's length when left out. */
  readonly dashes?: number
}

/**
 * Lines of the table, each ended by a newline. Every column but the last is padded, also when that leaves spaces.
 * `paintTitles` may put colour around the first line.
 */
export function textTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  paintTitles: (line: string) => string = (line) => line,
): string {
  const lines = [
    columns.map((column) => column.title),
    columns.map((column) => '-'.repeat(column.dashes ?? column.title.length)),
    ...rows,
  ]
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => (line[index] ?? '').length)))
  const last = columns.length - 1
  const pad = (cell: string, index: number) => (index === last ? cell : cell.padEnd(widths[index] ?? 0))
  const [titles = '', ...others] = lines.map((line) => line.map(pad).join('  '))
  return [paintTitles(titles), ...others].map((line) => `${line}\n`).join('')
}
