// All records of a state as a list of changes: what a snapshot, a copy and a file on disk are made of.

import {
  type Change,
  type ClusterState,
  type ObjectMaps,
  type ObjectName,
  type RecordKind,
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
  const changes: Change[] = []
  // One key and value of the same kind make a change of that kind, which the union cannot tell.
  for (const [key, value] of objects[kind]) changes.push({ kind, key, value } as Change)
  return changes
}
