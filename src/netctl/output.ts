// How netctl prints: tables for people, JSON and YAML for programs, names alone for loops in a shell.

import { type Flags, type FlagValues, usage } from '../lib/flags.ts'
import { textTable } from '../lib/text-table.ts'
import type { Session } from './command.ts'
import type { ItemColumn } from './tables.ts'

/** Flags of commands that list. */
export const listFlags = {
  output: { kind: 'text', names: ['output', 'o'], value: 'table|wide|json|yaml', help: 'How to print' },
  json: { kind: 'switch', names: ['json', 'j'], help: 'The same as -o json' },
  quiet: { kind: 'switch', names: ['quiet', 'q'], help: 'Print only names, one on a line' },
} as const satisfies Flags

/** Flags of commands that show one thing. */
export const documentFlags = {
  output: { kind: 'text', names: ['output', 'o'], value: 'json|yaml', help: 'How to print', fallback: 'json' },
  // What is printed without a flag; scripts of old say so.
  json: { kind: 'switch', names: ['json', 'j'], help: '' },
} as const satisfies Flags

export interface ListLayout<Item> {
  readonly name: (item: Item) => string
  readonly columns: readonly ItemColumn<Item>[]
  /** More columns of `-o wide`. */
  readonly wide: readonly ItemColumn<Item>[]
}

export type ListFormat = 'table' | 'wide' | 'json' | 'yaml' | 'quiet'

const listFormats = ['table', 'wide', 'json', 'yaml'] as const
const documentFormats = ['json', 'yaml'] as const

/** The one format that the flags ask for; two that differ are a mistake. */
export function listFormat(flags: FlagValues<typeof listFlags>): ListFormat {
  const output = flags.output === undefined ? undefined : formatNamed(flags.output, listFormats)
  if (!flags.json) return output ?? (flags.quiet ? 'quiet' : 'table')
  if (output === undefined || output === 'json') return 'json'
  throw usage(`--json and -o ${output} contradict each other; give one of them`)
}

/** Prints items, which are in the order they are to be in. */
export async function printItems<Item>(
  session: Session,
  layout: ListLayout<Item>,
  items: readonly Item[],
  format: ListFormat,
): Promise<void> {
  session.print(await listText(session, layout, items, format))
}

async function listText<Item>(
  session: Session,
  layout: ListLayout<Item>,
  items: readonly Item[],
  format: ListFormat,
): Promise<string> {
  switch (format) {
    case 'json':
    case 'yaml':
      return documentText(items, format)
    case 'quiet':
      return lines(items.map((item) => layout.name(item)))
    case 'wide':
      return itemTable([...layout.columns, ...layout.wide], items, session)
    case 'table':
      return itemTable(layout.columns, items, session)
  }
}

export function itemTable<Item>(columns: readonly ItemColumn<Item>[], items: readonly Item[], session: Session) {
  const rows = items.map((item) => columns.map((column) => column.cell(item)))
  return textTable(columns, rows, session.paint.bold)
}

/** Prints one thing as the flags say. */
export async function printDocument(
  session: Session,
  value: unknown,
  flags: FlagValues<typeof documentFlags>,
): Promise<void> {
  session.print(await documentText(value, formatNamed(flags.output, documentFormats)))
}

/** Two-space indented JSON, or YAML; with a line end. */
async function documentText(value: unknown, format: 'json' | 'yaml'): Promise<string> {
  if (format === 'json') return `${JSON.stringify(value, null, 2)}\n`
  const { stringify } = await import('yaml')
  // Texts stay on one line, nothing refers to something above it, and readers of YAML 1.1 see no boolean in 'yes'.
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false, compat: 'yaml-1.1' })
}

function formatNamed<const F extends string>(name: string, formats: readonly F[]): F {
  const format = formats.find((each) => each === name)
  if (format !== undefined) return format
  throw usage(`-o takes ${formats.join(', ')}, not '${name}'`)
}

/** One value a line. */
export function lines(values: readonly string[]): string {
  return values.map((value) => `${value}\n`).join('')
}

/** The object without what was not given: undefined values and empty lists. */
export function given<T extends object>(fields: { readonly [K in keyof T]: T[K] | undefined }): T {
  const kept = Object.entries(fields).filter(
    ([, value]) => value !== undefined && !(Array.isArray(value) && value.length === 0),
  )
  // Sound for the callers' types: all their optional fields are optional in T, and the others are never undefined.
  return Object.fromEntries(kept) as T
}

/** The values of a repeated flag, each of which may hold several names with commas between them. */
export function names(values: readonly string[]): string[] {
  return values.flatMap((value) => value.split(',')).filter((name) => name !== '')
}
