import assert from 'node:assert/strict'
import { test } from 'node:test'
import { transactionError } from './error.ts'
import {
  abort,
  assertLock,
  comment,
  decodeResult,
  encodeOperation,
  insert,
  mutate,
  type Operation,
  remove,
  select,
  update,
  wait,
} from './operation.ts'
import { named, type Uuid } from './value.ts'

const id = '550e8400-e29b-41d4-a716-446655440000' as Uuid

const operations: readonly (readonly [Operation, string])[] = [
  [
    insert('Port', { name: 'web', interfaces: [named('i')], tag: 5, trunks: [1, 2], external_ids: { a: 'b' } }, 'p'),
    '{"op":"insert","table":"Port","row":{"name":"web","interfaces":["set",[["named-uuid","i"]]],"tag":5,"trunks":["set",[1,2]],"external_ids":["map",[["a","b"]]]},"uuid-name":"p"}',
  ],
  [
    insert('Interface', { name: 'web', mtu_request: undefined }),
    '{"op":"insert","table":"Interface","row":{"name":"web","mtu_request":["set",[]]}}',
  ],
  [
    select(
      'Interface',
      [
        ['ofport', '>', 0],
        ['name', '!=', 'web'],
      ],
      ['name', 'ofport'],
    ),
    '{"op":"select","table":"Interface","where":[["ofport",">",0],["name","!=","web"]],"columns":["_uuid","name","ofport"]}',
  ],
  [
    update('Bridge', [['_uuid', '==', id]], { fail_mode: 'secure', stp_enable: false }),
    `{"op":"update","table":"Bridge","where":[["_uuid","==",["uuid","${id}"]]],"row":{"fail_mode":"secure","stp_enable":false}}`,
  ],
  [
    mutate(
      'Bridge',
      [['_uuid', '==', named('b')]],
      [
        ['ports', 'insert', [id, named('p')]],
        ['external_ids', 'delete', ['old']],
        ['external_ids', 'insert', { k: 'v' }],
      ],
    ),
    `{"op":"mutate","table":"Bridge","where":[["_uuid","==",["named-uuid","b"]]],"mutations":[["ports","insert",["set",[["uuid","${id}"],["named-uuid","p"]]]],["external_ids","delete",["set",["old"]]],["external_ids","insert",["map",[["k","v"]]]]]}`,
  ],
  [
    mutate('Open_vSwitch', [], [['next_cfg', '+=', 1]]),
    '{"op":"mutate","table":"Open_vSwitch","where":[],"mutations":[["next_cfg","+=",1]]}',
  ],
  [remove('Port', [['name', '==', 'web']]), '{"op":"delete","table":"Port","where":[["name","==","web"]]}'],
  [
    wait('Open_vSwitch', [], ['cur_cfg'], '==', [{ cur_cfg: 4 }], 100),
    '{"op":"wait","table":"Open_vSwitch","where":[],"columns":["cur_cfg"],"until":"==","rows":[{"cur_cfg":4}],"timeout":100}',
  ],
  [comment('why'), '{"op":"comment","comment":"why"}'],
  [assertLock('mine'), '{"op":"assert","lock":"mine"}'],
  [abort(), '{"op":"abort"}'],
]

test('operations are written as the RFC says', () => {
  for (const [operation, json] of operations) assert.equal(JSON.stringify(encodeOperation(operation)), json)
})

test('a column that the schema lacks is refused before it is sent', () => {
  const wrong = { op: 'insert', table: 'Port', row: { colour: 'red' } } as const
  assert.throws(() => encodeOperation(wrong), { code: 'OVSDB_UNKNOWN_COLUMN' })
})

test('results are read by their operation', () => {
  const read = (operation: Operation, json: string) => decodeResult(operation, JSON.parse(json))
  assert.deepEqual(read(insert('Port', {}), `{"uuid":["uuid","${id}"]}`), { op: 'insert', uuid: id })
  assert.deepEqual(read(remove('Port', []), '{"count":3}'), { op: 'delete', count: 3 })
  assert.deepEqual(read(comment('x'), '{}'), { op: 'comment' })
  const chosen = select('Port', [], ['name', 'tag', 'trunks', 'external_ids'])
  const rows = `{"rows":[{"_uuid":["uuid","${id}"],"name":"web","tag":5,"trunks":7,"external_ids":["map",[]]}]}`
  const row = { _uuid: id, name: 'web', tag: 5, trunks: [7], external_ids: {} }
  assert.deepEqual(read(chosen, rows), { op: 'select', rows: [row] })
})

test('a result that does not fit its operation is a protocol error', () => {
  const bad: readonly (readonly [Operation, unknown])[] = [
    [insert('Port', {}), {}],
    [insert('Port', {}), { uuid: 'x' }],
    [remove('Port', []), { count: '3' }],
    [comment('x'), null],
    [select('Port', [], ['name']), { rows: [{ name: 'without id' }] }],
    [select('Port', [], ['name']), { rows: [null] }],
    [select('Port', [], ['name']), {}],
  ]
  for (const [operation, wire] of bad) {
    assert.throws(() => decodeResult(operation, wire), { kind: 'protocol' }, JSON.stringify(wire))
  }
})

test('the error of a transaction names the operation that failed', () => {
  const error = transactionError(
    [comment('x'), insert('Port', { name: 'p' })],
    [{}, { error: 'constraint violation', details: 'too short' }],
  )
  assert.equal(error?.code, 'OVSDB_CONSTRAINT_VIOLATION')
  assert.equal(error.message, 'the OVSDB server refused operation 1 (insert Port): constraint violation: too short')
  const details = { operation: 1, op: 'insert', table: 'Port', error: 'constraint violation', details: 'too short' }
  assert.deepEqual(error.details, details)
})

test('one result too many is the error of the commit', () => {
  const error = transactionError([comment('x')], [{}, { error: 'I/O error', details: 'no space left' }])
  assert.deepEqual([error?.kind, error?.code, error?.details.operation], ['unavailable', 'OVSDB_IO', 'commit'])
})

test('results without error are no error, and an unknown error still is one', () => {
  assert.equal(transactionError([comment('x'), remove('Port', [])], [{}, { count: 0 }]), undefined)
  const unknown = transactionError([comment('x')], [{ error: 'novel trouble' }])
  assert.deepEqual([unknown?.kind, unknown?.code], ['internal', 'OVSDB_ERROR'])
})
