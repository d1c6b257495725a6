// What holds of a cluster after any requests: nothing names what is not there, everything granted has its owner and
// every owner its grants, links go both ways, and the store alone gives the same cluster again.

import assert from 'node:assert/strict'
import type { Store } from '../../src/drivers/store/index.ts'
import { type GrantChange, numberPools } from '../../src/model/grant.ts'
import { type Reference, type ReferringKind, referencesOf } from '../../src/model/references.ts'
import { objectNames, type RecordTypes } from '../../src/model/state.ts'
import type { Cluster } from '../../src/netmaster/cluster.ts'
import { loadTables } from '../../src/netmaster/load.ts'
import { wantedGrants } from '../../src/netmaster/store-check.ts'
import type { View } from '../../src/netmaster/tables.ts'
import type { TestNetmaster } from '../../src/netmaster/testing.ts'

/** References, their index, and grants. */
export function assertConsistent(view: View): void {
  assertReferences(view)
  assertGrants(view)
}

interface Referring extends Reference {
  readonly from: ReferringKind
  readonly by: string
}

function references(view: View): Referring[] {
  const found: Referring[] = []
  const add = <K extends ReferringKind>(from: K, records: ReadonlyMap<string, RecordTypes[K]>) => {
    for (const [by, record] of records) for (const to of referencesOf(from, record)) found.push({ from, by, ...to })
  }
  add('group', view.groups)
  for (const kind of objectNames) add(kind, view.objects[kind])
  return found
}

function assertReferences(view: View): void {
  const lists: Readonly<Record<string, ReadonlyMap<string, unknown>>> = {
    tenant: view.tenants,
    network: view.networks,
    group: view.groups,
    ...view.objects,
  }
  for (const { from, by, kind, key } of references(view)) {
    assert.ok(lists[kind]?.has(key), `${from} ${by} names ${kind} ${key}, which is not there`)
    assert.ok(view.referrers(from, kind, key).has(by), `${kind} ${key} does not know ${from} ${by}`)
  }
  const known = [...Object.entries(lists)].flatMap(([kind, records]) =>
    [...records.keys()].flatMap((key) =>
      (['group', ...objectNames] as const).map((from) => view.referrers(from, kind as Reference['kind'], key).size),
    ),
  )
  const distinct = new Set(references(view).map(({ from, by, kind, key }) => [from, by, kind, key].join(' ')))
  assert.equal(
    known.reduce((sum, size) => sum + size, 0),
    distinct.size,
    'an index knows of a reference that is no more',
  )
  for (const [key, { tenantName }] of view.networks) assert.ok(view.tenants.has(tenantName), `network ${key}`)
  for (const [id, { tenantName, networkName, groupName }] of view.endpoints) {
    assert.ok(view.networks.has(`${tenantName}:${networkName}`), `endpoint ${id}`)
    assert.ok(groupName === '' || view.groups.has(`${tenantName}:${groupName}`), `endpoint ${id}`)
  }
}

function assertGrants(view: View): void {
  const { tenants: tenant, networks: network, groups: group, endpoints: endpoint } = view
  const wanted = wantedGrants({ tenant, network, group, endpoint, service: view.objects.service }).map(
    ({ grant }) => grant,
  )
  const granted = grantsOf(view).filter((grant) => grant.kind === 'number' || grant.owner?.type !== 'reservation')
  assert.deepEqual(sorted(granted), sorted(wanted))
}

function grantsOf(view: View): GrantChange[] {
  const numbers = numberPools.flatMap((pool) =>
    [...view.numbers[pool].entries()].map(([number, owner]): GrantChange => ({ kind: 'number', pool, number, owner })),
  )
  const addresses = [...view.networks.keys()].flatMap((network) =>
    [...view.addresses(network).owners()].map(
      ([address, owner]): GrantChange => ({ kind: 'address', network, address, owner }),
    ),
  )
  return [...numbers, ...addresses]
}

function sorted(values: readonly object[]): string[] {
  return values.map((value) => JSON.stringify(value)).sort()
}

/** What REST calls one of them, by the plural in paths. */
const restTypes = {
  tenants: 'tenant',
  networks: 'network',
  endpointGroups: 'endpointGroup',
  policys: 'policy',
  rules: 'rule',
  netprofiles: 'netprofile',
  extContractsGroups: 'extContractsGroup',
  appProfiles: 'appProfile',
  serviceLBs: 'serviceLB',
  Bgps: 'Bgp',
  aciGws: 'aciGw',
  volumes: 'volume',
  volumeProfiles: 'volumeProfile',
} as const
export type Plural = keyof typeof restTypes
export const plurals = Object.keys(restTypes) as readonly Plural[]

interface Linked {
  readonly key: string
  readonly links?: Readonly<Record<string, { readonly type?: string; readonly key?: string }>>
  readonly 'link-sets'?: Readonly<
    Record<string, Readonly<Record<string, { readonly type?: string; readonly key?: string }>>>
  >
}

export type Lists = Readonly<Record<Plural, readonly Linked[]>>

/** All objects as REST shows them. */
export async function readLists(netmaster: TestNetmaster): Promise<Lists> {
  const lists: [Plural, unknown][] = []
  for (const plural of plurals) lists.push([plural, await netmaster.ok('GET', `/api/v1/${plural}/`)])
  return Object.fromEntries(lists) as Lists
}

/** Links between objects as REST shows them; only the app profiles of a group are more than it can link to. */
export function assertLinked(lists: Lists): void {
  const edges = new Set<string>()
  for (const plural of plurals) {
    for (const { key, links = {}, 'link-sets': sets = {} } of lists[plural]) {
      const targets = [...Object.values(links), ...Object.values(sets).flatMap((set) => Object.values(set))]
      for (const to of targets)
        if (to.key !== undefined) edges.add(`${restTypes[plural]} ${key} > ${to.type} ${to.key}`)
    }
  }
  for (const edge of edges) {
    const [from = '', to = ''] = edge.split(' > ')
    if (from.startsWith('appProfile ') && to.startsWith('endpointGroup ')) {
      assert.ok(
        [...edges].some((other) => other.startsWith(`${to} > appProfile `)),
        edge,
      )
    } else assert.ok(edges.has(`${to} > ${from}`), `${edge}, but not back`)
  }
}

/** The store alone gives the same cluster again. */
export async function assertReplays(cluster: Cluster, store: Store): Promise<void> {
  const again = loadTables((await store.snapshot()).entries)
  assert.deepEqual(sorted(again.records()), sorted(cluster.records()))
  assert.deepEqual(sorted(again.grants()), sorted(grantsOf(cluster.view)))
}
