// All records of a state as a list of changes: what a snapshot, a copy and a file on disk are made of.

import {
  type Change,
  type ClusterState,
  type ObjectMaps,
  type ObjectName,
  type RecordKind,
  type RecordTypes,
  recordKinds,
} from './state.ts'

export type Records = Omit<ClusterState, 'revision'>

/** In the order of `recordKinds`. */
export function listRecords(records: Records): Change[] {
  return recordKinds.flatMap((kind) => listKind(records, kind))
}

function listKind(records: Records, kind: RecordKind): Change[] {
  switch (kind) {
    case 'global':
      return [{ kind, key: 'global', value: records.global }]
    case 'tenant':
      return [...records.tenants].map(([key, value]) => ({ kind, key, value }))
    case 'network':
      return [...records.networks].map(([key, value]) => ({ kind, key, value }))
    case 'group':
      return [...records.groups].map(([key, value]) => ({ kind, key, value }))
    case 'node':
      return [...records.nodes].map(([key, value]) => ({ kind, key, value }))
    case 'endpoint':
      return [...records.endpoints].map(([key, value]) => ({ kind, key, value }))
    default:
      return listObjects(records.objects, kind)
  }
}

function listObjects<K extends ObjectName>(objects: ObjectMaps, kind: K): Change[] {
  const map: ReadonlyMap<string, RecordTypes[K]> = objects[kind]
  return [...map].map(([key, value]) => objectChange(kind, key, value))
}

/** The change that puts or, with null, deletes an object. */
export function objectChange<K extends ObjectName>(kind: K, key: string, value: RecordTypes[K] | null): Change {
  // A kind and a value of it are a change of that kind: a fact about K that no union can state.
  return { kind, key, value } as unknown as Change
}
