// Indices of the tables: which records belong to what.

import { type ReferringKind, referencesOf } from '../model/references.ts'
import type { RecordKind, RecordTypes } from '../model/state.ts'

/** Records by the name of what they belong to. */
export class Index<V> {
  readonly #groups = new Map<string, Map<string, V>>()
  readonly #empty: ReadonlyMap<string, V> = new Map()

  get(name: string): ReadonlyMap<string, V> {
    return this.#groups.get(name) ?? this.#empty
  }

  put(name: string, key: string, value: V): void {
    const group = this.#groups.get(name)
    if (group === undefined) this.#groups.set(name, new Map([[key, value]]))
    else group.set(key, value)
  }

  delete(name: string, key: string): void {
    const group = this.#groups.get(name)
    group?.delete(key)
    if (group?.size === 0) this.#groups.delete(name)
  }
}

/** Who names whom, from the side of what is named. */
export class Referrers {
  readonly #byKind: { readonly [K in ReferringKind]: Index<RecordTypes[K]> } = {
    policy: new Index(),
    netprofile: new Index(),
    contracts: new Index(),
    rule: new Index(),
    appProfile: new Index(),
    service: new Index(),
    bgp: new Index(),
    aciGw: new Index(),
    volume: new Index(),
    volumeProfile: new Index(),
    intentHost: new Index(),
    infraNetwork: new Index(),
    group: new Index(),
  }

  get<K extends ReferringKind>(kind: K, to: RecordKind, key: string): ReadonlyMap<string, RecordTypes[K]> {
    const index: Index<RecordTypes[K]> = this.#byKind[kind]
    return index.get(`${to}/${key}`)
  }

  /** One record in the place of another; undefined and null: none. */
  change<K extends ReferringKind>(
    kind: K,
    key: string,
    old: RecordTypes[K] | undefined,
    value: RecordTypes[K] | null,
  ): void {
    const index: Index<RecordTypes[K]> = this.#byKind[kind]
    if (old !== undefined) for (const to of referencesOf(kind, old)) index.delete(`${to.kind}/${to.key}`, key)
    if (value !== null) for (const to of referencesOf(kind, value)) index.put(`${to.kind}/${to.key}`, key, value)
  }
}
