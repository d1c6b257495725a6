// Which record names which other one. Links and link sets of REST, checks before a delete, and the indices of netmaster
// are all made from this.

import type { ObjectName, RecordKind, RecordTypes } from './state.ts'

/** Kinds whose references are indexed. */
export type ReferringKind = ObjectName | 'group'

export interface Reference {
  readonly kind: RecordKind
  readonly key: string
}

const inTenant = (record: { readonly tenantName: string }): Reference => ({ kind: 'tenant', key: record.tenantName })
const none = (): readonly Reference[] => []

/** `kind` names that lie within the tenant; empty ones are left out. */
function named(kind: RecordKind, tenant: string, names: readonly string[]): Reference[] {
  return names.filter((name) => name !== '').map((name) => ({ kind, key: `${tenant}:${name}` }))
}

const references: { readonly [K in ReferringKind]: (record: RecordTypes[K]) => readonly Reference[] } = {
  policy: (record) => [inTenant(record)],
  netprofile: (record) => [inTenant(record)],
  contracts: (record) => [inTenant(record)],
  rule: (record) => [
    inTenant(record),
    ...named('policy', record.tenantName, [record.policyName]),
    ...named('group', record.tenantName, [record.fromEndpointGroup, record.toEndpointGroup]),
    ...named('network', record.tenantName, [record.fromNetwork, record.toNetwork]),
  ],
  appProfile: (record) => [inTenant(record), ...named('group', record.tenantName, record.endpointGroups)],
  service: (record) => [inTenant(record), ...named('network', record.tenantName, [record.networkName])],
  bgp: none,
  aciGw: none,
  volume: (record) => [inTenant(record)],
  volumeProfile: (record) => [inTenant(record)],
  intentHost: none,
  infraNetwork: none,
  group: (record) => [
    inTenant(record),
    ...named('network', record.tenantName, [record.networkName]),
    ...named('policy', record.tenantName, record.policies),
    ...named('netprofile', record.tenantName, [record.netProfile]),
    ...named('contracts', record.tenantName, record.extContractsGrps),
  ],
}

/** What a record names. */
export function referencesOf<K extends ReferringKind>(kind: K, record: RecordTypes[K]): readonly Reference[] {
  return references[kind](record)
}

const restNames: Partial<Record<RecordKind, string>> = {
  contracts: 'extContractsGroup',
  service: 'serviceLB',
  group: 'endpointGroup',
}

/** What REST calls the kind in links. */
export function linkType(kind: RecordKind): string {
  return restNames[kind] ?? kind
}
