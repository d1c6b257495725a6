import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { NetpluginError } from '../../lib/errors.ts'
import { differenceToWire, toWire } from './fake-value.ts'
import {
  type Atom,
  type AtomKind,
  applyDifference,
  type ColumnType,
  decodeValue,
  defaultValue,
  encodeValue,
  named,
  type PlainValue,
  type Shape,
} from './value.ts'

const id = '550e8400-e29b-41d4-a716-446655440000'
const other = '00000000-e29b-41d4-a716-446655440000'

function type(shape: Shape, atom: AtomKind): ColumnType {
  return { shape, atom }
}

/** Plain value, how we write it, and every way in which servers may write it. */
const pairs: readonly (readonly [ColumnType, PlainValue, unknown, readonly unknown[]])[] = [
  [type('one', 'string'), 'br0', 'br0', ['br0', ['set', ['br0']]]],
  [type('one', 'string'), 'set', 'set', ['set']],
  [type('one', 'integer'), -1, -1, [-1, ['set', [-1]]]],
  [type('one', 'real'), 0.5, 0.5, [0.5]],
  [type('one', 'boolean'), true, true, [true]],
  [
    type('one', 'uuid'),
    id,
    ['uuid', id],
    [
      ['uuid', id],
      ['set', [['uuid', id]]],
    ],
  ],
  [type('optional', 'integer'), 7, 7, [7, ['set', [7]]]],
  [type('optional', 'integer'), undefined, ['set', []], [['set', []]]],
  [type('optional', 'uuid'), id, ['uuid', id], [['uuid', id]]],
  [type('set', 'integer'), [], ['set', []], [['set', []]]],
  [type('set', 'integer'), [10], ['set', [10]], [10, ['set', [10]]]],
  [
    type('set', 'integer'),
    [2, 10],
    ['set', [2, 10]],
    [
      ['set', [10, 2]],
      ['set', [2, 10]],
    ],
  ],
  [type('set', 'string'), ['a', 'b'], ['set', ['a', 'b']], [['set', ['b', 'a']]]],
  [
    type('set', 'uuid'),
    [other, id],
    [
      'set',
      [
        ['uuid', other],
        ['uuid', id],
      ],
    ],
    [
      [
        'set',
        [
          ['uuid', id],
          ['uuid', other],
        ],
      ],
    ],
  ],
  [type('set', 'uuid'), [id], ['set', [['uuid', id]]], [['uuid', id]]],
  [type('map', 'string'), {}, ['map', []], [['map', []]]],
  [
    type('map', 'string'),
    { a: '1', b: '' },
    [
      'map',
      [
        ['a', '1'],
        ['b', ''],
      ],
    ],
    [
      [
        'map',
        [
          ['b', ''],
          ['a', '1'],
        ],
      ],
    ],
  ],
  [type('map', 'integer'), { tx: 5 }, ['map', [['tx', 5]]], [['map', [['tx', 5]]]]],
  [type('map', 'uuid'), { dp: id }, ['map', [['dp', ['uuid', id]]]], [['map', [['dp', ['uuid', id]]]]]],
]

test('plain values are written in the long form of the RFC', () => {
  for (const [column, plain, wire] of pairs) assert.deepEqual(encodeValue(column, plain), wire)
})

test('every form in which a server may write a value is read as the same plain value', () => {
  for (const [column, plain, , wires] of pairs) {
    for (const wire of wires) assert.deepEqual(decodeValue(column, wire), plain, JSON.stringify(wire))
  }
})

test('a named uuid stands where a uuid may stand', () => {
  assert.deepEqual(encodeValue(type('set', 'uuid'), [named('p'), id]), [
    'set',
    [
      ['named-uuid', 'p'],
      ['uuid', id],
    ],
  ])
})

test('a map may have a key named __proto__', () => {
  const wire = ['map', [['__proto__', 'x']]]
  const plain = decodeValue(type('map', 'string'), wire) as Record<string, string>
  assert.deepEqual(Object.keys(plain), ['__proto__'])
  assert.deepEqual(encodeValue(type('map', 'string'), plain), wire)
})

test('what does not have the type of the column is a protocol error', () => {
  const bad: readonly (readonly [ColumnType, unknown])[] = [
    [type('one', 'string'), 1],
    [type('one', 'string'), ['set', []]],
    [type('one', 'integer'), 1.5],
    [type('one', 'integer'), '1'],
    [type('one', 'uuid'), id],
    [type('one', 'uuid'), ['uuid', 'not one']],
    [type('one', 'uuid'), ['named-uuid', 'p']],
    [type('optional', 'integer'), ['set', [1, 2]]],
    [type('optional', 'integer'), null],
    [type('set', 'integer'), ['set', [1, 1]]],
    [type('set', 'integer'), ['set', 1]],
    [type('set', 'integer'), ['set', [1], 2]],
    [
      type('map', 'string'),
      [
        'map',
        [
          ['a', '1'],
          ['a', '2'],
        ],
      ],
    ],
    [type('map', 'string'), ['map', [['a']]]],
    [type('map', 'string'), ['map', [[1, '1']]]],
    [type('map', 'string'), { a: '1' }],
    [type('map', 'string'), undefined],
  ]
  for (const [column, wire] of bad) {
    assert.throws(() => decodeValue(column, wire), { kind: 'protocol', code: 'OVSDB_VALUE' }, JSON.stringify(wire))
  }
})

test('what does not fit the column is refused before it is sent', () => {
  const bad: readonly (readonly [ColumnType, unknown])[] = [
    [type('one', 'string'), undefined],
    [type('one', 'integer'), 2 ** 60],
    [type('one', 'real'), Number.NaN],
    [type('one', 'uuid'), 'br0'],
    [type('optional', 'integer'), null],
    [type('set', 'integer'), 1],
    [type('map', 'string'), ['a']],
    [type('map', 'string'), { a: 1 }],
  ]
  for (const [column, value] of bad) {
    assert.throws(() => encodeValue(column, value), { kind: 'invalid', code: 'OVSDB_VALUE' }, String(value))
  }
})

const atoms: Readonly<Record<AtomKind, fc.Arbitrary<Atom>>> = {
  string: fc.string(),
  integer: fc.integer(),
  real: fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
  boolean: fc.boolean(),
  uuid: fc.uuid(),
}

function plainValues({ shape, atom }: ColumnType): fc.Arbitrary<PlainValue> {
  switch (shape) {
    case 'one':
      return atoms[atom]
    case 'optional':
      return fc.option(atoms[atom], { nil: undefined })
    case 'set':
      return fc.uniqueArray(atoms[atom]).map((list) => list.toSorted((a, b) => (a < b ? -1 : 1)))
    case 'map':
      return fc.dictionary(fc.string(), atoms[atom], { noNullPrototype: true })
  }
}

const columns = fc.record({
  shape: fc.constantFrom<Shape>('one', 'optional', 'set', 'map'),
  atom: fc.constantFrom<AtomKind>('string', 'integer', 'real', 'boolean', 'uuid'),
})

test('decode(encode(x)) is x, through JSON and in the short form too', () => {
  const columnAndValue = columns.chain((column) => fc.tuple(fc.constant(column), plainValues(column)))
  fc.assert(
    fc.property(columnAndValue, ([column, value]) => {
      const decoded = (wire: unknown) => sorted(decodeValue(column, JSON.parse(JSON.stringify(wire))))
      assert.deepEqual(decoded(encodeValue(column, value)), sorted(value))
      assert.deepEqual(decoded(toWire(column, value)), sorted(value))
    }),
  )
})

test('applying the difference of two values to the first gives the second', () => {
  const twoValues = columns.chain((column) => fc.tuple(fc.constant(column), plainValues(column), plainValues(column)))
  fc.assert(
    fc.property(twoValues, ([column, old, now]) => {
      assert.deepEqual(sorted(applyDifference(column, old, differenceToWire(column, old, now))), sorted(now))
    }),
  )
})

test('differences have the forms that ovsdb-server sends', () => {
  const map = type('map', 'string')
  assert.deepEqual(
    applyDifference(map, { a: '1', b: '2' }, [
      'map',
      [
        ['a', '1'],
        ['b', '3'],
        ['c', '4'],
      ],
    ]),
    { b: '3', c: '4' },
  )
  const set = type('set', 'string')
  assert.deepEqual(applyDifference(set, ['a', 'b'], 'b'), ['a'])
  assert.deepEqual(applyDifference(set, ['a'], ['set', ['a', 'b']]), ['b'])
  assert.equal(applyDifference(type('optional', 'integer'), 5, ['set', []]), undefined)
})

test('a column that nobody has set reads as empty', () => {
  assert.deepEqual(defaultValue(type('one', 'string')), '')
  assert.deepEqual(defaultValue(type('one', 'integer')), 0)
  assert.deepEqual(defaultValue(type('one', 'boolean')), false)
  assert.deepEqual(defaultValue(type('optional', 'string')), undefined)
  assert.deepEqual(defaultValue(type('set', 'uuid')), [])
  assert.deepEqual(defaultValue(type('map', 'string')), {})
})

test('any JSON is a value or a protocol error, nothing else', () => {
  const word = fc.constantFrom('set', 'map', 'uuid', 'named-uuid', id, 'x', 1, null)
  const almost = fc.letrec((tie) => ({
    value: fc.oneof({ maxDepth: 4 }, word, fc.array(tie('value'), { maxLength: 3 }), fc.jsonValue()),
  })).value
  fc.assert(
    fc.property(columns, almost, (column, wire) => {
      try {
        // What can be read can be written again.
        encodeValue(column, decodeValue(column, wire))
      } catch (error) {
        assert.ok(error instanceof NetpluginError && error.code === 'OVSDB_VALUE', String(error))
      }
    }),
    { numRuns: 2000 },
  )
})

/** Records compare by content; sets by content, too. */
function sorted(value: PlainValue): unknown {
  if (Array.isArray(value)) return value.toSorted((a, b) => (a < b ? -1 : 1))
  if (typeof value === 'object') return new Map(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
  return value
}
