// Results as the table that `make bench` prints.

import { textTable } from '../src/lib/text-table.ts'
import { type Figures, type Goal, meetsGoal, type Row, ratio } from './result.ts'

const columns = ['what', 'unit', 'ours', 'peer', 'against', 'ratio', 'goal', 'ok?'].map((title) => ({ title }))

export function resultTable(rows: readonly Row[]): string {
  return textTable(columns, rows.map(cells))
}

function cells(row: Row): string[] {
  const { what, unit, ours, peer, goal } = row
  const ok = meetsGoal(row)
  return [
    what,
    unit,
    figures(ours),
    peer === undefined ? '-' : figures(peer),
    peer?.name ?? '-',
    ratio(row)?.toFixed(2) ?? '-',
    goal === undefined ? '-' : goalText(goal),
    ok === undefined ? '-' : ok ? 'yes' : 'NO',
  ]
}

function figures({ p50, p99 }: Figures): string {
  return p99 === undefined ? short(p50) : `${short(p50)} / ${short(p99)}`
}

/** Three digits are more than the machine's noise leaves. */
export function short(value: number): string {
  if (Math.abs(value) >= 10_000) return `${Math.round(value / 1000)}k`
  return String(Number(value.toPrecision(3)))
}

function goalText(goal: Goal): string {
  const bound = 'atMost' in goal ? `<= ${short(goal.atMost)}` : `>= ${short(goal.atLeast)}`
  return goal.of === 'ratio' ? `${bound} x` : bound
}
