// Column values: plain TypeScript values on our side, the <value> notation of RFC 7047, section 5.1, on the wire.
//
//   column shape    plain                    wire
//   one             atom                     atom
//   optional        atom | undefined         atom, or ["set", []]
//   set             sorted readonly atom[]   ["set", [atom, ...]], or the bare atom when there is just one
//   map             record of atoms          ["map", [[key, atom], ...]]
//
// Integers are JavaScript numbers: counters beyond 2^53 lose their low bits.

import { NetpluginError } from '../../lib/errors.ts'

export type Uuid = string & { readonly __brand: 'Uuid' }

/** Stands for the row that an insert with this `uuid-name` makes, within the same transaction. */
export interface NamedUuid {
  readonly named: string
}

interface Atoms {
  readonly string: string
  readonly integer: number
  readonly real: number
  readonly boolean: boolean
  readonly uuid: Uuid
}
export type AtomKind = keyof Atoms

export type Shape = 'one' | 'optional' | 'set' | 'map'

/** The type of a column. A map has string keys; `atom` is then the kind of its values. */
export interface ColumnType<S extends Shape = Shape, A extends AtomKind = AtomKind> {
  readonly shape: S
  readonly atom: A
  /** The table that the uuids point to; a row of a non-root table lives while something points to it. */
  readonly refTable?: string
  /** A set that must not become empty. */
  readonly atLeastOne?: true
  /** Given once, at insert. */
  readonly immutable?: true
}

type Shaped<S extends Shape, V> = S extends 'one'
  ? V
  : S extends 'optional'
    ? V | undefined
    : S extends 'set'
      ? readonly V[]
      : Readonly<Record<string, V>>

/** What reading a column gives. */
export type Plain<C extends ColumnType> = Shaped<C['shape'], Atoms[C['atom']]>
/** What may be written to a column: the same, or a named uuid in the place of a uuid. */
export type Writable<C extends ColumnType> = Shaped<
  C['shape'],
  C['atom'] extends 'uuid' ? Uuid | NamedUuid : Atoms[C['atom']]
>

export type Atom = string | number | boolean
export type WritableAtom = Atom | NamedUuid
export type PlainValue = Atom | undefined | readonly Atom[] | Readonly<Record<string, Atom>>
export type WritableValue = WritableAtom | undefined | readonly WritableAtom[] | Readonly<Record<string, WritableAtom>>

export type WireAtom = string | number | boolean | readonly ['uuid' | 'named-uuid', string]
export type WireValue =
  | WireAtom
  | readonly ['set', readonly WireAtom[]]
  | readonly ['map', readonly (readonly [WireAtom, WireAtom])[]]

export function named(name: string): NamedUuid {
  return { named: name }
}

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

export function isUuid(value: unknown): value is Uuid {
  return typeof value === 'string' && uuidPattern.test(value)
}

/** The value of a column that nobody has set; servers leave such columns out of monitor updates. */
export function defaultValue(type: ColumnType): PlainValue {
  switch (type.shape) {
    case 'one':
      return defaultAtom(type.atom)
    case 'optional':
      return undefined
    case 'set':
      return []
    case 'map':
      return {}
  }
}

function defaultAtom(kind: AtomKind): Atom {
  switch (kind) {
    case 'string':
      return ''
    case 'integer':
    case 'real':
      return 0
    case 'boolean':
      return false
    case 'uuid':
      return '00000000-0000-0000-0000-000000000000'
  }
}

/** Wire to plain. Throws OVSDB_VALUE (protocol) when the wire value does not have the column's type. */
export function decodeValue(type: ColumnType, wire: unknown): PlainValue {
  switch (type.shape) {
    case 'one': {
      const elements = setElements(wire)
      if (elements.length !== 1) throw malformed('exactly one element', wire)
      return decodeAtom(type.atom, elements[0])
    }
    case 'optional': {
      const elements = setElements(wire)
      if (elements.length > 1) throw malformed('at most one element', wire)
      return elements.length === 0 ? undefined : decodeAtom(type.atom, elements[0])
    }
    case 'set': {
      const atoms = setElements(wire).map((element) => decodeAtom(type.atom, element))
      if (new Set(atoms).size !== atoms.length) throw malformed('a set without repetitions', wire)
      return sortAtoms(atoms)
    }
    case 'map':
      return decodeMap(type.atom, wire)
  }
}

function decodeMap(kind: AtomKind, wire: unknown): Readonly<Record<string, Atom>> {
  if (!Array.isArray(wire) || wire.length !== 2 || wire[0] !== 'map' || !Array.isArray(wire[1])) {
    throw malformed('a map', wire)
  }
  const pairs: [string, Atom][] = []
  for (const pair of wire[1] as readonly unknown[]) {
    if (!Array.isArray(pair) || pair.length !== 2 || typeof pair[0] !== 'string') throw malformed('a map', wire)
    pairs.push([pair[0], decodeAtom(kind, pair[1])])
  }
  pairs.sort(([a], [b]) => (a < b ? -1 : 1))
  const record = Object.fromEntries(pairs)
  if (Object.keys(record).length !== pairs.length) throw malformed('a map without repeated keys', wire)
  return record
}

/** The elements of a wire set; an atom that stands bare is a set of one. */
function setElements(wire: unknown): readonly unknown[] {
  if (!Array.isArray(wire) || wire[0] !== 'set') return [wire]
  if (wire.length !== 2 || !Array.isArray(wire[1])) throw malformed('a set', wire)
  return wire[1]
}

function decodeAtom(kind: AtomKind, wire: unknown): Atom {
  switch (kind) {
    case 'string':
      if (typeof wire === 'string') return wire
      break
    case 'integer':
      if (Number.isInteger(wire)) return wire as number
      break
    case 'real':
      if (typeof wire === 'number') return wire
      break
    case 'boolean':
      if (typeof wire === 'boolean') return wire
      break
    case 'uuid':
      if (Array.isArray(wire) && wire.length === 2 && wire[0] === 'uuid' && isUuid(wire[1])) return wire[1]
      break
  }
  throw malformed(kind, wire)
}

/** Plain to wire. Throws OVSDB_VALUE (invalid) when the value does not fit the column's type. */
export function encodeValue(type: ColumnType, value: unknown): WireValue {
  switch (type.shape) {
    case 'one':
      return encodeAtom(type.atom, value)
    case 'optional':
      return value === undefined ? ['set', []] : encodeAtom(type.atom, value)
    case 'set':
      return encodeSet(type.atom, value)
    case 'map': {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) throw unfit('a record', value)
      const pairs = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
      return ['map', pairs.map(([key, item]) => [key, encodeAtom(type.atom, item)])]
    }
  }
}

/** A set is always written in its long form, which is valid for any number of elements. */
export function encodeSet(kind: AtomKind, value: unknown): WireValue {
  if (!Array.isArray(value)) throw unfit('an array', value)
  return ['set', value.map((item) => encodeAtom(kind, item))]
}

export function encodeAtom(kind: AtomKind, value: unknown): WireAtom {
  switch (kind) {
    case 'string':
      if (typeof value === 'string') return value
      break
    case 'integer':
      if (Number.isSafeInteger(value)) return value as number
      break
    case 'real':
      if (Number.isFinite(value)) return value as number
      break
    case 'boolean':
      if (typeof value === 'boolean') return value
      break
    case 'uuid':
      if (isUuid(value)) return ['uuid', value]
      if (isNamed(value)) return ['named-uuid', value.named]
      break
  }
  throw unfit(kind, value)
}

function isNamed(value: unknown): value is NamedUuid {
  return typeof value === 'object' && value !== null && 'named' in value && typeof value.named === 'string'
}

/**
 * Applies the change of a column as `update2` and `update3` notifications give it (ovsdb-server(7)): a new value for single
 * values, the elements that come or go for sets, the pairs that come, go or change for maps.
 */
export function applyDifference(type: ColumnType, old: PlainValue, wire: unknown): PlainValue {
  const change = decodeValue(type, wire)
  if (type.shape === 'set') {
    const elements = new Set<Atom>(Array.isArray(old) ? old : [])
    for (const element of change as readonly Atom[]) {
      if (!elements.delete(element)) elements.add(element)
    }
    return sortAtoms([...elements])
  }
  if (type.shape === 'map') {
    const pairs = new Map(Object.entries((old ?? {}) as Readonly<Record<string, Atom>>))
    for (const [key, value] of Object.entries(change as Readonly<Record<string, Atom>>)) {
      if (pairs.get(key) === value) pairs.delete(key)
      else pairs.set(key, value)
    }
    return Object.fromEntries([...pairs].sort(([a], [b]) => (a < b ? -1 : 1)))
  }
  return change
}

/** Sets have no order; a fixed one makes equal sets look equal. */
function sortAtoms(atoms: readonly Atom[]): readonly Atom[] {
  return [...atoms].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
}

function malformed(expected: string, wire: unknown): NetpluginError {
  return new NetpluginError('protocol', 'OVSDB_VALUE', `the OVSDB server sent ${brief(wire)} where ${expected} belongs`)
}

function unfit(expected: string, value: unknown): NetpluginError {
  return new NetpluginError('invalid', 'OVSDB_VALUE', `cannot write ${brief(value)} to an OVSDB column of ${expected}`)
}

function brief(value: unknown): string {
  return (JSON.stringify(value) ?? String(value)).slice(0, 80)
}
