// Flows made at random from the table of fields, for property tests.

import fc from 'fast-check'
import { formatIpv4, formatIpv6 } from '../../src/lib/address.ts'
import type { Action, Conntrack, Nat } from '../../src/protocols/openflow/action.ts'
import {
  type Field,
  type FieldRange,
  type FieldValue,
  fieldBits,
  fieldNamed,
  type Masked,
  valueOfBits,
} from '../../src/protocols/openflow/field.ts'
import type { Flow } from '../../src/protocols/openflow/flow.ts'
import type { Match } from '../../src/protocols/openflow/match.ts'
import { type FieldName, oxmFields, vlanPresent } from '../../src/protocols/openflow/oxm.ts'

// Wide registers overlap the narrow ones, so a match may not name both.
const names = (Object.keys(oxmFields) as FieldName[]).filter((name) => !name.startsWith('x'))

/** Ordinary objects, which compare equal to decoded ones. */
const plain = { noNullPrototype: true } as const

const number16 = fc.integer({ min: 0, max: 0xffff })
const number32 = fc.integer({ min: 0, max: 0xffffffff })
const table = fc.integer({ min: 0, max: 254 })

function bitsOf(field: Field): fc.Arbitrary<bigint> {
  const least = field.name === 'vlan_vid' ? BigInt(vlanPresent) : 0n
  return fc.bigInt({ min: least, max: field.ones })
}

function value(field: Field): fc.Arbitrary<FieldValue> {
  return bitsOf(field).map((bits) => valueOfBits(field, bits))
}

function masked(field: Field): fc.Arbitrary<Masked> {
  const part = fc.bigInt({ min: 0n, max: field.ones }).map((bits) => valueOfBits(field, bits))
  const pair = fc.record({ value: part, mask: part }, plain)
  // With a mask of all ones it is an exact value, and no VLAN id has that without the bit for "tagged".
  return field.name === 'vlan_vid' ? pair.filter(({ mask }) => mask !== valueOfBits(field, field.ones)) : pair
}

function wanted(field: Field): fc.Arbitrary<FieldValue | Masked> {
  return field.maskable ? fc.oneof(value(field), masked(field)) : value(field)
}

/** Fields in any order; what they need of each other is not kept. */
export const match: fc.Arbitrary<Match> = fc
  .uniqueArray(fc.constantFrom(...names), { maxLength: 8 })
  .chain((chosen) => fc.tuple(...chosen.map((name) => fc.tuple(fc.constant(name), wanted(fieldNamed(name))))))
  .map((entries) => Object.fromEntries(entries) as Match)

const shortNames = names.filter((name) => {
  const field = fieldNamed(name)
  return (field.nxm ?? field.id)[2] === undefined
})

function range(bits: number): fc.Arbitrary<FieldRange> {
  const wide = shortNames.filter((name) => fieldBits(fieldNamed(name)) >= bits)
  return fc
    .constantFrom(...wide)
    .chain((field) =>
      fc.integer({ min: 0, max: fieldBits(fieldNamed(field)) - bits }).map((offset) => ({ field, offset, bits })),
    )
}

const setField: fc.Arbitrary<Action> = fc.constantFrom(...names).chain((name) => {
  const field = fieldNamed(name)
  const mask = fc.bigInt({ min: 1n, max: field.ones }).map((bits) => valueOfBits(field, bits))
  const optional = fc.record({ value: value(field), mask }, { requiredKeys: ['value'], noNullPrototype: true })
  return optional.map((given): Action => ({ type: 'set_field', field: name, ...given }))
})

const hex = (lengths: { minLength?: number; maxLength: number }) =>
  fc.uint8Array(lengths).map((bytes) => Buffer.from(bytes).toString('hex'))

const simple: fc.Arbitrary<Action> = fc.oneof(
  fc
    .oneof(number32, fc.constantFrom('in_port', 'local', 'normal', 'flood', 'controller' as const))
    .map((port): Action => ({ type: 'output', port })),
  range(16).map((from): Action => ({ type: 'output_field', from })),
  setField,
  fc
    .constantFrom(1, 5, 32)
    .chain((bits) => fc.record({ type: fc.constant('move' as const), from: range(bits), to: range(bits) }, plain)),
  fc.constantFrom<Action>({ type: 'push_vlan' }, { type: 'pop_vlan' }, { type: 'dec_ttl' }, { type: 'ct_clear' }),
  fc.constant<Action>({ type: 'drop' }),
  fc.record({ type: fc.constant('resubmit' as const), table, inPort: fc.integer({ min: 1, max: 0xfeff }) }, plain),
  fc.record({ type: fc.constant('group' as const), group: number32 }, plain),
  fc.record({ type: fc.constant('conjunction' as const), id: number32, clause: table, of: table }, plain),
  fc.record(
    {
      type: fc.constant('controller' as const),
      controllerId: number16,
      reason: fc.integer({ min: 0, max: 5 }),
      maxLen: number16,
      userdata: hex({ maxLength: 20 }),
    },
    { requiredKeys: ['type', 'controllerId'], noNullPrototype: true },
  ),
  hex({ maxLength: 30 }).map((bytes): Action => ({ type: 'note', bytes })),
)

const address = fc.oneof(number32.map(formatIpv4), fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }).map(formatIpv6))

const nat: fc.Arbitrary<Nat> = fc.oneof(
  fc.constant('restore' as const),
  fc.record(
    {
      kind: fc.constantFrom('src' as const, 'dst' as const),
      min: address,
      portMin: number16,
      choose: fc.constantFrom('hash' as const, 'random' as const),
      persistent: fc.boolean(),
    },
    { requiredKeys: ['kind', 'min'], noNullPrototype: true },
  ),
)

const conntrack: fc.Arbitrary<Conntrack> = fc.record(
  {
    type: fc.constant('ct' as const),
    commit: fc.boolean(),
    force: fc.boolean(),
    zone: fc.oneof(number16, range(16)),
    table,
    nat,
    exec: fc.array(setField, { maxLength: 3 }),
    alg: number16,
  },
  { requiredKeys: ['type', 'zone'], noNullPrototype: true },
)

export const actions: fc.Arbitrary<Action[]> = fc.array(fc.oneof({ weight: 5, arbitrary: simple }, conntrack), {
  maxLength: 5,
})

export const flow: fc.Arbitrary<Flow> = fc.record(
  {
    table,
    priority: number16,
    cookie: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
    match,
    actions,
    goto: table,
    meter: number32,
    idleTimeoutSeconds: number16,
    hardTimeoutSeconds: number16,
  },
  { requiredKeys: ['table', 'priority', 'cookie', 'match', 'actions'], noNullPrototype: true },
)
