// A JSON message as a table of fields: one declaration decodes what the peer sent and encodes what we say.
// Follows Go's encoding/json where the peer relies on it: null, absent and the zero value mean the same.

import { NetpluginError } from '../../lib/errors.ts'

export interface Codec<T> {
  /** `where` names the value for the error message, for example `IPv4Data[0].Pool`. */
  decode(value: unknown, where: string): T
  encode(value: T): unknown
}

function wrong(where: string, wanted: string, value: unknown): NetpluginError {
  const got = value === null ? 'null' : Array.isArray(value) ? 'a list' : typeof value
  return new NetpluginError('invalid', 'BAD_FIELD', `${where || 'the message'} must be ${wanted}, not ${got}`, {
    details: { where },
  })
}

function isNothing(value: unknown): value is null | undefined {
  return value === null || value === undefined
}

/** Narrows to a plain JSON object. */
export function isJsonObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export const text: Codec<string> = {
  decode(value, where) {
    if (isNothing(value)) return ''
    if (typeof value !== 'string') throw wrong(where, 'a string', value)
    return value
  },
  encode: (value) => value,
}

/** Text that must be there: the identifier without which the message means nothing. */
export const identifier: Codec<string> = {
  decode(value, where) {
    if (typeof value !== 'string' || value === '') throw wrong(where, 'a non-empty string', value)
    return value
  },
  encode: (value) => value,
}

/** Text that is left out of the message when there is none, for peers that read presence as meaning. */
export const optionalText: Codec<string | undefined> = {
  decode(value, where) {
    const decoded = text.decode(value, where)
    return decoded === '' ? undefined : decoded
  },
  encode: (value) => (value === '' ? undefined : value),
}

export const flag: Codec<boolean> = {
  decode(value, where) {
    if (isNothing(value)) return false
    if (typeof value !== 'boolean') throw wrong(where, 'true or false', value)
    return value
  },
  encode: (value) => value,
}

export const count: Codec<number> = {
  decode(value, where) {
    if (isNothing(value)) return 0
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
      throw wrong(where, 'a non-negative whole number', value)
    }
    return value
  },
  encode: (value) => value,
}

/** Free-form JSON object. */
export const anything: Codec<Readonly<Record<string, unknown>>> = {
  decode(value, where) {
    if (isNothing(value)) return {}
    if (!isJsonObject(value)) throw wrong(where, 'an object', value)
    return value
  },
  encode: (value) => value,
}

export function listOf<T>(item: Codec<T>): Codec<readonly T[]> {
  return {
    decode(value, where) {
      if (isNothing(value)) return []
      if (!Array.isArray(value)) throw wrong(where, 'a list', value)
      return value.map((entry: unknown, index) => item.decode(entry, `${where}[${index}]`))
    },
    encode: (value) => value.map((entry) => item.encode(entry)),
  }
}

/** Names to text; numbers and booleans, which some clients send in option maps, become text. */
export const textMap: Codec<Readonly<Record<string, string>>> = {
  decode(value, where) {
    const entries: [string, string][] = []
    for (const [name, entry] of Object.entries(anything.decode(value, where))) {
      if (typeof entry === 'number' || typeof entry === 'boolean') entries.push([name, String(entry)])
      else entries.push([name, text.decode(entry, `${where}.${name}`)])
    }
    return Object.fromEntries(entries)
  },
  encode: (value) => value,
}

type Field<T> = readonly [wireName: string, codec: Codec<T>]
type ValueOf<F> = F extends Field<infer T> ? T : never
type OptionalKey<F> = { [K in keyof F]: undefined extends ValueOf<F[K]> ? K : never }[keyof F]
type RecordOf<F> = { readonly [K in Exclude<keyof F, OptionalKey<F>>]: ValueOf<F[K]> } & {
  readonly [K in OptionalKey<F>]?: ValueOf<F[K]>
}

/** An object with the given fields; unknown fields are ignored, because newer peers send more. */
export function record<const F extends Readonly<Record<string, readonly [string, unknown]>>>(
  fields: F,
): Codec<RecordOf<F>> {
  // The signature ties each property to its codec; inside, the table is walked without those types.
  const table = Object.entries(fields as unknown as Readonly<Record<string, Field<unknown>>>)
  return {
    decode(value, where) {
      const source = anything.decode(value, where)
      const entries: [string, unknown][] = []
      for (const [name, [wireName, codec]] of table) {
        const decoded = codec.decode(source[wireName], where === '' ? wireName : `${where}.${wireName}`)
        if (decoded !== undefined) entries.push([name, decoded])
      }
      return Object.fromEntries(entries) as RecordOf<F>
    },
    encode(value) {
      const source: Readonly<Record<string, unknown>> = value
      return Object.fromEntries(table.map(([name, [wireName, codec]]) => [wireName, codec.encode(source[name])]))
    },
  }
}

/** What a codec decodes to. */
export type Decoded<C> = C extends Codec<infer T> ? T : never

/** A message without content. Some callers send no body, some send null. */
export const nothing: Codec<Readonly<Record<never, never>>> = { decode: () => ({}), encode: () => ({}) }
