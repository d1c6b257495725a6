// The state after a set of changes. Records that did not change stay the same objects, so that everything derived from
// them can be memoised by identity.

import { copyOfMap, type MapCopy, putInto } from '../lib/map-changes.ts'
import {
  type Change,
  type ChangeOf,
  type ClusterState,
  isObjectName,
  type ObjectMaps,
  type ObjectName,
  type RecordTypes,
} from './state.ts'

/**
 * Applies changes in order; a map with no change in it is shared with the old state. Changes of a kind that this version
 * does not know are left out: netmaster may be newer than a node.
 */
export function applyChanges(state: ClusterState, revision: number, changes: readonly Change[]): ClusterState {
  const next = {
    revision,
    global: state.global,
    tenants: state.tenants,
    networks: state.networks,
    groups: state.groups,
    endpoints: state.endpoints,
    nodes: state.nodes,
    objects: state.objects,
  }
  const owned = new Set<string>()
  function edit<V>(name: string, map: ReadonlyMap<string, V>): MapCopy<string, V> {
    if (owned.has(name)) return map as MapCopy<string, V>
    owned.add(name)
    return copyOfMap(map)
  }
  for (const change of changes) {
    switch (change.kind) {
      case 'global':
        if (change.value !== null) next.global = change.value
        break
      case 'tenant':
        next.tenants = put(edit('tenants', next.tenants), change.key, change.value)
        break
      case 'network':
        next.networks = put(edit('networks', next.networks), change.key, change.value)
        break
      case 'group':
        next.groups = put(edit('groups', next.groups), change.key, change.value)
        break
      case 'endpoint':
        next.endpoints = put(edit('endpoints', next.endpoints), change.key, change.value)
        break
      case 'node':
        next.nodes = put(edit('nodes', next.nodes), change.key, change.value)
        break
      default:
        if (isObjectName(change.kind)) next.objects = putObject(next.objects, change, edit)
    }
  }
  return next
}

function putObject<K extends ObjectName>(
  objects: ObjectMaps,
  { kind, key, value }: ChangeOf<K>,
  edit: <V>(name: string, map: ReadonlyMap<string, V>) => MapCopy<string, V>,
): ObjectMaps {
  const map: ReadonlyMap<string, RecordTypes[K]> = objects[kind]
  return { ...objects, [kind]: put(edit(kind, map), key, value) }
}

function put<V>(map: MapCopy<string, V>, key: string, value: V | null): MapCopy<string, V> {
  putInto(map, key, value ?? undefined)
  return map
}
