// The contracts of the tables, held against the flows of all stories: what types cannot see (where `ct` sends a packet),
// and that nothing is declared which no flow needs.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { metadata } from '../../src/core/pipeline/fields.ts'
import { World } from '../../src/core/pipeline/simulate/world.ts'
import type { TableSpec } from '../../src/core/pipeline/table-spec.ts'
import { pipeline, type TableName, tableName, tableNames } from '../../src/core/pipeline/tables.ts'
import type { FieldName, Flow, Match } from '../../src/protocols/openflow/index.ts'
import { numberedHosts } from '../properties/arbitrary-cluster.ts'
import { clusterState } from '../support/cluster.ts'
import { readStory, storyNames } from './story.ts'

interface Used {
  readonly matches: Set<string>
  readonly next: Set<string>
}

const used = new Map<string, Used>(tableNames.map((name) => [name, { matches: new Set(), next: new Set() }]))
for (const name of storyNames(import.meta.dirname)) {
  const { world } = readStory(import.meta.dirname, name)
  for (const node of world.nodes) for (const flows of world.host(node).flows.values()) flows.forEach(note)
}

// What no story is large enough for.
const many = clusterState({
  tenants: ['red'],
  networks: [{ key: 'red:one', encap: { kind: 'vxlan', vni: 1 }, subnet: '10.1.0.0/16' }],
  services: [{ key: 'red:s', network: 'one', address: '10.1.9.9', selectors: ['a=b'], ports: ['80:80:tcp'] }],
  endpoints: Array.from({ length: 257 }, (_, index) => {
    return {
      id: `e${index}`,
      network: 'red:one',
      node: 'node1',
      ipv4: `10.1.${index >> 8}.${index & 255}`,
      labels: { a: 'b' },
    }
  }),
  nodes: [{ node: 'node1' }],
})
const crowd = new World({ state: many, hosts: numberedHosts(many) })
for (const flows of crowd.host('node1').flows.values()) flows.forEach(note)

function note(flow: Flow): void {
  const { matches, next } = used.get(tableName(flow.table)) ?? assert.fail(`no table ${flow.table}`)
  for (const [field, wanted] of Object.entries(flow.match)) {
    for (const name of namesOf(field as FieldName, wanted)) matches.add(name)
  }
  if (flow.goto !== undefined) next.add(tableName(flow.goto))
  for (const action of flow.actions) {
    if (action.type === 'ct' && action.table !== undefined) next.add(tableName(action.table))
  }
}

/** The metadata that a register match looks at, or the field itself. */
function namesOf(field: FieldName, wanted: Match[FieldName]): string[] {
  if (!field.startsWith('reg')) return [field]
  const mask = typeof wanted === 'object' ? BigInt(wanted.mask) : 0xffff_ffffn
  const touched = Object.entries(metadata).filter(
    ([, place]) => place.field === field && ((mask >> BigInt(place.offset)) & ((1n << BigInt(place.bits)) - 1n)) !== 0n,
  )
  return touched.map(([name]) => name)
}

for (const name of tableNames) {
  const { matches, next }: TableSpec = pipeline[name as TableName]
  test(`${name}: flows match what it declares, and all of it`, () =>
    assert.deepEqual([...(used.get(name)?.matches ?? [])].sort(), [...matches].sort()))
  test(`${name}: flows lead where it declares, and everywhere of it`, () =>
    assert.deepEqual([...(used.get(name)?.next ?? [])].sort(), [...next].sort()))
}
