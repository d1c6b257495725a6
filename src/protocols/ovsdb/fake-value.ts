// The server's half of values, for the fake: the short wire forms that ovsdb-server sends, differences between values,
// conditions and mutations (RFC 7047, section 5.1).

import { type Atom, type ColumnType, decodeValue, encodeValue, type PlainValue, type WireValue } from './value.ts'

/** What makes a transaction fail: the two fields of an error result. */
export class FakeFailure extends Error {
  readonly error: string
  readonly details: string

  constructor(error: string, details: string) {
    super(`${error}: ${details}`)
    this.error = error
    this.details = details
  }
}

/** As ovsdb-server writes values: a set of one element is the bare element. */
export function toWire(type: ColumnType, value: PlainValue): WireValue {
  const wire = encodeValue(type, value)
  if (type.shape !== 'set' || !Array.isArray(wire)) return wire
  const [only, ...more] = wire[1] as readonly WireValue[]
  return only === undefined || more.length > 0 ? wire : only
}

/** The value as a set of atoms, or of pairs for a map. */
function elements(type: ColumnType, value: PlainValue): readonly unknown[] {
  if (type.shape === 'map') return Object.entries(value as Readonly<Record<string, Atom>>)
  if (type.shape === 'set') return value as readonly Atom[]
  return value === undefined ? [] : [value]
}

function keys(type: ColumnType, value: PlainValue): readonly string[] {
  return elements(type, value).map((element) => JSON.stringify(element))
}

export function sameValue(type: ColumnType, a: PlainValue, b: PlainValue): boolean {
  return JSON.stringify(keys(type, a).toSorted()) === JSON.stringify(keys(type, b).toSorted())
}

/** What an update2 notification says about a changed column. */
export function differenceToWire(type: ColumnType, old: PlainValue, now: PlainValue): WireValue {
  if (type.shape === 'set') {
    const before = old as readonly Atom[]
    const after = now as readonly Atom[]
    const gone = before.filter((atom) => !after.includes(atom))
    return toWire(type, [...gone, ...after.filter((atom) => !before.includes(atom))])
  }
  if (type.shape === 'map') {
    const before = new Map(Object.entries(old as Readonly<Record<string, Atom>>))
    const after = new Map(Object.entries(now as Readonly<Record<string, Atom>>))
    const changed = [...after].filter(([key, value]) => before.get(key) !== value)
    const gone = [...before].filter(([key]) => !after.has(key))
    return toWire(type, Object.fromEntries([...changed, ...gone]))
  }
  return toWire(type, now)
}

export function holds(type: ColumnType, value: PlainValue, comparison: unknown, wire: unknown): boolean {
  const wanted = decodeValue(type, wire)
  const present = new Set(keys(type, value))
  switch (comparison) {
    case '==':
      return sameValue(type, value, wanted)
    case '!=':
      return !sameValue(type, value, wanted)
    case 'includes':
      return keys(type, wanted).every((key) => present.has(key))
    case 'excludes':
      return !keys(type, wanted).some((key) => present.has(key))
    case '<':
      return Number(value) < Number(wanted)
    case '<=':
      return Number(value) <= Number(wanted)
    case '>':
      return Number(value) > Number(wanted)
    case '>=':
      return Number(value) >= Number(wanted)
    default:
      throw new FakeFailure('syntax error', `no comparison is named ${JSON.stringify(comparison)}`)
  }
}

export function mutated(type: ColumnType, value: PlainValue, mutator: unknown, wire: unknown): PlainValue {
  if (type.shape === 'map') return mutatedMap(type, value as Readonly<Record<string, Atom>>, mutator, wire)
  if (type.shape === 'set' && (mutator === 'insert' || mutator === 'delete')) {
    const change = decodeValue(type, wire) as readonly Atom[]
    const others = (value as readonly Atom[]).filter((atom) => !change.includes(atom))
    return decodeValue(type, toWire(type, mutator === 'insert' ? [...others, ...change] : others))
  }
  if (typeof value === 'number' && typeof wire === 'number') return calculated(value, mutator, wire)
  throw new FakeFailure('syntax error', `${JSON.stringify(mutator)} does not fit the column`)
}

function mutatedMap(
  type: ColumnType,
  value: Readonly<Record<string, Atom>>,
  mutator: unknown,
  wire: unknown,
): PlainValue {
  if (mutator === 'insert') return { ...(decodeValue(type, wire) as Readonly<Record<string, Atom>>), ...value }
  if (mutator !== 'delete') throw new FakeFailure('syntax error', `${JSON.stringify(mutator)} does not fit a map`)
  const byPair = Array.isArray(wire) && wire[0] === 'map'
  if (byPair) {
    const pairs = decodeValue(type, wire) as Readonly<Record<string, Atom>>
    return Object.fromEntries(Object.entries(value).filter(([key, item]) => pairs[key] !== item))
  }
  const gone = decodeValue({ shape: 'set', atom: 'string' }, wire) as readonly Atom[]
  return Object.fromEntries(Object.entries(value).filter(([key]) => !gone.includes(key)))
}

function calculated(value: number, mutator: unknown, operand: number): number {
  switch (mutator) {
    case '+=':
      return value + operand
    case '-=':
      return value - operand
    case '*=':
      return value * operand
  }
  if (operand === 0) throw new FakeFailure('domain error', 'division by zero')
  if (mutator === '/=') return Math.trunc(value / operand)
  if (mutator === '%=') return value % operand
  throw new FakeFailure('syntax error', `no mutator is named ${JSON.stringify(mutator)}`)
}
