// Whether what a store holds fits together: all of it readable, everything named there, every grant with the owner it is for
// and every owner with its grants, each address once. Pure.

import type { StoreEntry, StorePut } from '../drivers/store/store.ts'
import { asError } from '../lib/errors.ts'
import type { AddressOwner, GrantChange, NumberPool } from '../model/grant.ts'
import { encapTag, networkKey } from '../model/network.ts'
import { type Reference, type ReferringKind, referencesOf } from '../model/references.ts'
import { objectNames, type RecordKind, type RecordTypes } from '../model/state.ts'
import { decodeEntry, grantKey } from './store-keys.ts'

export interface Finding {
  /** Where in the store. */
  readonly key: string
  /** What is wrong there. */
  readonly problem: string
  /** What to do about it. */
  readonly advice: string
  /** What puts it right, where that is beyond doubt. */
  readonly repair?: StorePut | { readonly key: string; readonly value: null }
}

type Records = { readonly [K in RecordKind]: Map<string, RecordTypes[K]> }
type Grant = GrantChange & { readonly owner: string | AddressOwner }

/** Areas of the store that hold no records and no grants. */
const otherAreas = ['meta', 'service', 'lock']

export function checkEntries(entries: readonly StoreEntry[]): readonly Finding[] {
  const findings: Finding[] = []
  const records = emptyRecords()
  const grants = new Map<string, Grant>()
  for (const { key, value } of entries) {
    try {
      const decoded = decodeEntry(key, value)
      if (decoded.type === 'record') records[decoded.change.kind].set(decoded.change.key, decoded.change.value as never)
      else if (decoded.type === 'grant' && decoded.grant.owner !== null) grants.set(key, decoded.grant as Grant)
      else if (!otherAreas.includes(key.split('/')[0] ?? '')) {
        const advice = 'a newer version may have written it; if not, remove it'
        findings.push({ key, problem: 'is nothing that this version knows', advice })
      }
    } catch (error) {
      findings.push({ key, problem: asError(error).message, advice: 'restore a backup' })
    }
  }
  return [...findings, ...badKeys(records), ...badReferences(records), ...badGrants(records, grants)]
}

function emptyRecords(): Records {
  const kinds = ['global', 'tenant', 'network', 'group', 'node', 'endpoint', ...objectNames] as const
  return Object.fromEntries(kinds.map((kind) => [kind, new Map()])) as unknown as Records
}

/** Records that say they are others than their key says. */
function badKeys(records: Records): Finding[] {
  const said = [
    ...[...records.tenant].map(([key, { tenantName }]) => ['tenant', key, tenantName]),
    ...[...records.network].map(([key, of]) => ['network', key, networkKey(of.tenantName, of.networkName)]),
    ...[...records.group].map(([key, of]) => ['group', key, `${of.tenantName}:${of.groupName}`]),
    ...[...records.endpoint].map(([key, { endpointId }]) => ['endpoint', key, endpointId]),
    ...[...records.node].map(([key, { node }]) => ['node', key, node]),
  ]
  return said
    .filter(([, key, own]) => key !== own)
    .map(([kind, key, own]) => ({
      key: `record/${kind}/${key}`,
      problem: `is the record of ${own ?? 'nothing'}`,
      advice: 'it was changed by hand: restore a backup',
    }))
}

function badReferences(records: Records): Finding[] {
  const findings: Finding[] = []
  const look = (from: RecordKind, by: string, { kind, key }: Reference) => {
    if (records[kind].has(key)) return
    const problem = `names ${kind} ${key}, which is not there`
    const advice =
      from === 'endpoint' ? 'stop its container, or make the network again' : `make the ${kind} again, or delete this`
    findings.push({ key: `record/${from}/${by}`, problem, advice })
  }
  const lookAll = <K extends ReferringKind>(kind: K) => {
    for (const [by, record] of records[kind]) for (const to of referencesOf(kind, record)) look(kind, by, to)
  }
  for (const kind of ['group', ...objectNames] as const) lookAll(kind)
  for (const [by, { tenantName }] of records.network) look('network', by, { kind: 'tenant', key: tenantName })
  for (const [by, { tenantName, networkName, groupName }] of records.endpoint) {
    look('endpoint', by, { kind: 'network', key: networkKey(tenantName, networkName) })
    if (groupName !== '') look('endpoint', by, { kind: 'group', key: `${tenantName}:${groupName}` })
  }
  return findings
}

/** Whom each grant is for, and what record that is. */
interface Wanted {
  readonly grant: Grant
  readonly by: string
}

type Holders = {
  readonly [K in 'tenant' | 'group' | 'network' | 'endpoint' | 'service']: ReadonlyMap<string, RecordTypes[K]>
}

/** What records need to be granted to them. */
export function wantedGrants(records: Holders): Wanted[] {
  const wanted: Wanted[] = []
  const number = (pool: NumberPool, value: number, owner: string, by: string) =>
    wanted.push({ by, grant: { kind: 'number', pool, number: value, owner } })
  for (const [key, { tenantId }] of records.tenant) number('tenant-id', tenantId, key, `record/tenant/${key}`)
  for (const [key, { groupId }] of records.group) number('group-id', groupId, key, `record/group/${key}`)
  for (const [key, { networkId, encap }] of records.network) {
    number('network-id', networkId, key, `record/network/${key}`)
    number(encap.kind === 'vlan' ? 'vlan' : 'vni', encapTag(encap), key, `record/network/${key}`)
  }
  for (const [key, { tenantName, networkName, endpointId: id, ipv4, ipv6 }] of records.endpoint) {
    const network = networkKey(tenantName, networkName)
    for (const address of [ipv4, ipv6]) {
      if (address === '') continue
      const grant: Grant = { kind: 'address', network, address, owner: { type: 'endpoint', id } }
      wanted.push({ by: `record/endpoint/${key}`, grant })
    }
  }
  for (const [key, { tenantName, networkName, vip: address }] of records.service) {
    const network = networkKey(tenantName, networkName)
    wanted.push({
      by: `record/service/${key}`,
      grant: { kind: 'address', network, address, owner: { type: 'service', key } },
    })
  }
  return wanted
}

function badGrants(records: Records, grants: ReadonlyMap<string, Grant>): Finding[] {
  const findings: Finding[] = []
  const holders = new Map<string, Wanted>()
  for (const wanted of wantedGrants(records)) {
    const key = grantKey(wanted.grant)
    const other = holders.get(key)
    if (other !== undefined) {
      const problem = `has ${key.slice('grant/'.length)}, which ${other.by} has too`
      findings.push({ key: wanted.by, problem, advice: 'delete one of the two; of endpoints, stop the container' })
      continue
    }
    holders.set(key, wanted)
    const found = grants.get(key)
    if (found === undefined) {
      const problem = `is not granted, and ${wanted.by} has it: it may be given to others, too`
      findings.push({
        key,
        problem,
        advice: 'netmaster store check --repair',
        repair: { key, value: ownerValue(wanted.grant) },
      })
    } else if (!isSame(found.owner, wanted.grant.owner)) {
      const problem = `is granted to ${describeOwner(found.owner)}, and ${wanted.by} has it`
      findings.push({
        key,
        problem,
        advice: `delete ${wanted.by.split('/')[1]} ${wanted.by.split('/').slice(2).join('/')} and make it again`,
      })
    }
  }
  for (const [key, grant] of grants) {
    const isReserved = typeof grant.owner === 'object' && grant.owner.type === 'reservation'
    if (holders.has(key) || (isReserved && grant.kind === 'address' && records.network.has(grant.network))) continue
    const problem = `is granted to ${describeOwner(grant.owner)}, which is not there or does not have it: it is never given back`
    findings.push({ key, problem, advice: 'netmaster store check --repair', repair: { key, value: null } })
  }
  return findings
}

function ownerValue({ owner }: Grant): string | { readonly [key: string]: unknown } {
  return typeof owner === 'object' ? { ...owner } : owner
}

function isSame(a: Grant['owner'], b: Grant['owner']): boolean {
  return describeOwner(a) === describeOwner(b)
}

function describeOwner(owner: Grant['owner']): string {
  if (typeof owner === 'string') return owner
  switch (owner.type) {
    case 'endpoint':
      return `endpoint ${owner.id}`
    case 'service':
      return `service ${owner.key}`
    case 'reservation':
      return `a reservation of node ${owner.node}`
  }
}
