import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { NetpluginError } from '../../lib/errors.ts'
import { applyUpdates, type TableRows, type UpdatesFormat } from './table-updates.ts'
import type { Uuid } from './value.ts'

const id = '550e8400-e29b-41d4-a716-446655440000' as Uuid
const columns = { Port: ['name', 'tag', 'trunks', 'external_ids'] } as const

function tables(): TableRows {
  return new Map([['Port', new Map()]])
}

function apply(rows: TableRows, format: UpdatesFormat, change: unknown): ReadonlySet<string> {
  return applyUpdates(rows, columns, format, { Port: { [id]: change } })
}

test('an update2 sequence: what is left out has its default, what changes is merged', () => {
  const rows = tables()
  apply(rows, 'update2', { initial: { name: 'web', trunks: 3 } })
  assert.deepEqual(rows.get('Port')?.get(id), { _uuid: id, name: 'web', tag: undefined, trunks: [3], external_ids: {} })
  apply(rows, 'update2', { modify: { tag: 5, trunks: ['set', [3, 4]], external_ids: ['map', [['a', '1']]] } })
  const changed = { _uuid: id, name: 'web', tag: 5, trunks: [4], external_ids: { a: '1' } }
  assert.deepEqual(rows.get('Port')?.get(id), changed)
  apply(rows, 'update2', { modify: { tag: ['set', []], external_ids: ['map', [['a', '1']]] } })
  assert.deepEqual(rows.get('Port')?.get(id), { ...changed, tag: undefined, external_ids: {} })
  assert.deepEqual([...apply(rows, 'update2', { delete: null })], ['Port'])
  assert.equal(rows.get('Port')?.size, 0)
})

test('an update sequence of the RFC carries whole rows', () => {
  const rows = tables()
  const row = { name: 'web', tag: ['set', []], trunks: ['set', []], external_ids: ['map', []] }
  apply(rows, 'update', { new: row })
  assert.deepEqual(rows.get('Port')?.get(id), { _uuid: id, name: 'web', tag: undefined, trunks: [], external_ids: {} })
  apply(rows, 'update', { old: { tag: ['set', []] }, new: { ...row, tag: 9 } })
  assert.equal(rows.get('Port')?.get(id)?.tag, 9)
  apply(rows, 'update', { old: row })
  assert.equal(rows.get('Port')?.size, 0)
})

test('a changed row is a new object', () => {
  const rows = tables()
  apply(rows, 'update2', { insert: { name: 'web' } })
  const before = rows.get('Port')?.get(id)
  apply(rows, 'update2', { modify: { tag: 1 } })
  assert.equal(before?.tag, undefined)
  assert.equal(rows.get('Port')?.get(id)?.tag, 1)
})

test('an update that makes no sense is a protocol error', () => {
  const bad = [
    { Bridge: {} },
    { Port: { nonsense: { insert: {} } } },
    { Port: { [id]: { modify: { tag: 1 } } } },
    { Port: { [id]: { what: {} } } },
    { Port: { [id]: { insert: { name: 5 } } } },
    { Port: null },
    [],
    null,
  ]
  for (const wire of bad) {
    assert.throws(() => applyUpdates(tables(), columns, 'update2', wire), { kind: 'protocol' }, JSON.stringify(wire))
  }
})

test('any JSON is an update or a protocol error, nothing else', () => {
  const change = fc.dictionary(
    fc.constantFrom('insert', 'modify', 'delete', 'initial', 'old', 'new'),
    fc.oneof(
      fc.dictionary(fc.constantFrom('name', 'tag', 'trunks', 'external_ids', 'x'), fc.jsonValue()),
      fc.jsonValue(),
    ),
  )
  const updates = fc.oneof(
    fc.jsonValue(),
    change.map((one) => ({ Port: { [id]: one } })),
  )
  fc.assert(
    fc.property(updates, fc.constantFrom<UpdatesFormat>('update', 'update2'), (wire, format) => {
      try {
        applyUpdates(tables(), columns, format, wire)
      } catch (error) {
        assert.ok(error instanceof NetpluginError && error.kind === 'protocol', String(error))
      }
    }),
    { numRuns: 1000 },
  )
})
