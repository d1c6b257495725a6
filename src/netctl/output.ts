// How netctl prints: JSON as two-space indented text, lists as tables.

import { textTable } from '../lib/text-table.ts'
import type { ItemColumn } from './tables.ts'

/** Two-space indented JSON, with a line end. */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`
}

export function itemTable<Item>(columns: readonly ItemColumn<Item>[], items: readonly Item[]): string {
  const rows = items.map((item) => columns.map((column) => column.cell(item)))
  return textTable(columns, rows)
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
