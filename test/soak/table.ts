// What was measured, as the table that `make soak` prints.

import { meetsGoal } from '../../bench/result.ts'
import { short } from '../../bench/table.ts'
import { textTable } from '../../src/lib/text-table.ts'
import { type Measured, reliabilityGoals } from './goals.ts'

const columns = ['id', 'what', 'unit', 'worst', 'median', 'times', 'goal', 'ok?', 'beside'].map((title) => ({ title }))

export function reliabilityTable(measured: Measured): string {
  const rows = measured.rows()
  const known = new Set(rows.map(({ what }) => what))
  const without = Object.values(reliabilityGoals).filter(({ what }) => !known.has(what))
  return textTable(columns, [
    ...rows.map((row) => [
      row.id,
      row.what,
      row.unit,
      short(row.ours.p50),
      short(row.ours.p99 ?? row.ours.p50),
      String(row.samples),
      `<= ${row.goal !== undefined && 'atMost' in row.goal ? row.goal.atMost : '-'}`,
      meetsGoal(row) === true ? 'yes' : 'NO',
      row.beside,
    ]),
    ...without.map(({ id, what, unit, atMost }) => [
      ...[id, what, unit, '-', '-', '0', `<= ${atMost}`, 'not measured', '-'],
    ]),
  ])
}
