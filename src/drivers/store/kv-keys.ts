// Where `KvStore` keeps what, below its prefix:
//
//   d/<key>        the value, as JSON
//   m/epoch        made once: the name of this life of the store
//   m/head         written by every commit
//   m/journal      a large commit under way: JSON of `Journal`; see kv-journal.ts
//   j/<id>/<n>     its parts, from 0
//   w/<writer>     the newest commit of each program that writes, and what fences it; see kv-store.ts

import { NetpluginError } from '../../lib/errors.ts'

export class KvKeys {
  readonly prefix: string

  constructor(prefix: string) {
    this.prefix = prefix
  }

  get data(): string {
    return `${this.prefix}d/`
  }
  get epoch(): string {
    return `${this.prefix}m/epoch`
  }
  get head(): string {
    return `${this.prefix}m/head`
  }
  get journal(): string {
    return `${this.prefix}m/journal`
  }
  get parts(): string {
    return `${this.prefix}j/`
  }
  get writers(): string {
    return `${this.prefix}w/`
  }
  of(key: string): string {
    return this.data + key
  }
  part(id: string, number: number): string {
    return `${this.parts}${id}/${number}`
  }
  writer(id: string): string {
    return this.writers + id
  }
}

/** Throws STORE_DAMAGED for text that is no JSON. */
export function parseText(key: string, text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    if (value !== null) return value
  } catch {
    // Told below.
  }
  const message = `the store holds something this version cannot read at ${JSON.stringify(key)}; was it changed by hand?`
  throw new NetpluginError('unavailable', 'STORE_DAMAGED', message, { details: { key } })
}
