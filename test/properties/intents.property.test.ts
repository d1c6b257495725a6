// Intents, whatever they name: the same one twice changes nothing, the last one decides, a refusal changes nothing, and
// nothing is granted twice or without an owner.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Purpose } from '../../src/core/intent/parse.ts'
import { isProblem } from '../../src/model/body.ts'
import { encapTag, networkKey } from '../../src/model/network.ts'
import { defaultGlobal } from '../../src/model/state.ts'
import { loadIntent } from '../../src/netmaster/intents.ts'
import { createNetwork } from '../../src/netmaster/objects/networks.ts'
import { createTenant } from '../../src/netmaster/objects/tenants.ts'
import { Tables } from '../../src/netmaster/tables.ts'

const pick = <T>(...values: readonly T[]) => fc.constantFrom(...values)
const maybe = <T>(values: fc.Arbitrary<T>) => fc.option(values, { nil: undefined, freq: 3 })
const unique = <T>(values: fc.Arbitrary<T>, key: (value: T) => string, maxLength: number) =>
  fc.uniqueArray(values, { selector: key, maxLength })

const endpoint = fc.record({
  Container: pick('a', 'b', 'c', 'd'),
  Host: maybe(pick('h1', 'h2')),
  AttachUUID: maybe(pick('x')),
})
const automatic = fc.record({
  Name: pick('orange', 'purple', 'red'),
  PktTagType: maybe(pick('vlan', 'vxlan')),
  PktTag: maybe(pick(0, 11, 12, 13)),
  SubnetCIDR: maybe(pick('0/26', '0/24')),
  Endpoints: unique(endpoint, ({ Container }) => Container, 4),
})
const fixed = fc.record({
  Name: pick('orange', 'purple', 'red'),
  PktTag: maybe(pick(11, 12)),
  SubnetCIDR: pick('11.1.0.0/24', '11.1.1.0/24', '11.1.1.0/25'),
  Gateway: maybe(pick('11.1.0.1', '11.1.1.1')),
  Endpoints: unique(
    fc.record({ Container: pick('a', 'b', 'c'), IPAddress: maybe(pick('11.1.0.2', '11.1.1.2', '11.1.1.3')) }),
    ({ Container }) => Container,
    3,
  ),
})
const tenant = fc.record({
  Name: pick('blue', 'green', 'default'),
  DefaultNetType: maybe(pick('vlan', 'vxlan')),
  SubnetPool: maybe(pick('11.1.0.0/16', '12.1.0.0/20')),
  Vlans: maybe(pick('11-40', '100-120')),
  Networks: unique(fc.oneof(automatic, fixed), ({ Name }) => Name, 3),
})
const document = fc.record({
  Tenants: unique(tenant, ({ Name }) => Name, 3),
  InfraNetworks: maybe(fc.constant([{ Name: 'carrier', PktTagType: 'vlan', PktTag: 13 }])),
})
const purpose = pick<Purpose>('desired', 'add', 'delete')
const options = { defaultEncap: 'vxlan' } as const

function emptyCluster(): Tables {
  const tables = new Tables()
  tables.apply([{ kind: 'global', key: 'global', value: defaultGlobal }], [])
  take(tables, createTenant(tables, { tenantName: 'default', defaultNetwork: '' }))
  return tables
}

/** A cluster in which users made objects of the same names. */
function usedCluster(): Tables {
  const tables = emptyCluster()
  take(tables, createTenant(tables, { tenantName: 'green', defaultNetwork: '' }))
  const own = {
    tenantName: 'green',
    networkName: 'red',
    nwType: 'data',
    encap: 'vlan',
    pktTag: 12,
    cfgdTag: '',
    multicast: '',
    nat: '',
  } as const
  const addresses = { subnet: '11.1.1.0/24', gateway: '', ipv6Subnet: '', ipv6Gateway: '' }
  take(tables, createNetwork(tables, { ...own, ...addresses }, 'vlan'))
  return tables
}

type Made = ReturnType<typeof loadIntent>

function take(
  tables: Tables,
  decision: Made | ReturnType<typeof createTenant> | ReturnType<typeof createNetwork>,
): void {
  if (isProblem(decision)) throw new Error(decision.message)
  tables.apply(decision.records, decision.grants)
}

/** Loads a document; the code of a refusal, or empty. JSON, because that is how it arrives. */
function load(tables: Tables, value: unknown, as: Purpose = 'desired'): string {
  const decision = loadIntent(tables, JSON.parse(JSON.stringify(value)), as, options)
  if (isProblem(decision)) return decision.code
  take(tables, decision)
  return ''
}

function names(tables: Tables): string[] {
  return tables
    .records()
    .filter(({ kind }) => kind !== 'global')
    .map(({ kind, key }) => `${kind} ${key}`)
    .sort()
}

/** Everything there is, in an order that does not tell how it came about. */
function content(tables: Tables): string[] {
  return [...tables.records(), ...tables.grants()].map((each) => JSON.stringify(each)).sort()
}

/** Every network has its tag, every endpoint its address, and nothing else is given away. */
function checkGrants(tables: Tables): void {
  const expected: string[] = []
  for (const [key, record] of tables.networks) {
    expected.push(`${record.encap.kind === 'vlan' ? 'vlan' : 'vni'} ${encapTag(record.encap)} ${key}`)
    expected.push(`network-id ${record.networkId} ${key}`)
  }
  for (const [name, record] of tables.tenants) expected.push(`tenant-id ${record.tenantId} ${name}`)
  for (const { name } of tables.objects.infraNetwork.values()) expected.push(`vlan 13 infra ${name}`)
  for (const [id, { tenantName, networkName, ipv4 }] of tables.endpoints) {
    expected.push(`${networkKey(tenantName, networkName)} ${ipv4} ${id}`)
  }
  const granted = tables.grants().map((grant) => {
    if (grant.kind === 'number') return `${grant.pool} ${grant.number} ${grant.owner}`
    return `${grant.network} ${grant.address} ${grant.owner?.type === 'endpoint' ? grant.owner.id : 'nobody'}`
  })
  assert.deepEqual(granted.sort(), expected.sort())
}

test('the same document twice changes nothing, whatever came before', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(document, purpose), { maxLength: 3 }), document, purpose, (before, last, as) => {
      const tables = usedCluster()
      for (const [each, purposeOf] of before) load(tables, each, purposeOf)
      if (load(tables, last, as) !== '') return
      const changed = loadIntent(tables, JSON.parse(JSON.stringify(last)), as, options)
      assert.ok(!isProblem(changed), 'message' in changed ? changed.message : '')
      assert.deepEqual(changed.records, [])
      assert.deepEqual(changed.grants, [])
    }),
    { numRuns: 300 },
  )
})

test('desired state leads to the same names from everywhere', () => {
  let accepted = 0
  fc.assert(
    fc.property(fc.array(fc.tuple(document, purpose), { maxLength: 3 }), document, (before, last) => {
      const fresh = emptyCluster()
      const travelled = emptyCluster()
      for (const [each, as] of before) load(travelled, each, as)
      const code = load(fresh, last)
      assert.equal(load(travelled, last), code)
      if (code === '') accepted++
      if (code === '') assert.deepEqual(names(travelled), names(fresh))
      assert.equal(load(travelled, { Tenants: [] }), '')
      assert.deepEqual(content(travelled), content(emptyCluster()))
    }),
    { numRuns: 300 },
  )
  assert.ok(accepted > 100, `only ${accepted} documents of 300 were accepted: the others say nothing`)
})

test('nothing is granted twice or for nothing, a refusal changes nothing, and the records tell everything', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(document, purpose), { minLength: 1, maxLength: 5 }), (steps) => {
      const tables = usedCluster()
      for (const [each, as] of steps) {
        const before = content(tables)
        if (load(tables, each, as) !== '') assert.deepEqual(content(tables), before)
        checkGrants(tables)
        assert.deepEqual(content(tables.copy()), content(tables))
        assert.ok(tables.networks.has('green:red') && tables.tenants.has('default'), 'what users made stays')
      }
    }),
    { numRuns: 300 },
  )
})

test('what was added can be deleted again with the same document', () => {
  fc.assert(
    fc.property(document, (added) => {
      const tables = emptyCluster()
      if (load(tables, added, 'add') !== '') return
      assert.equal(load(tables, added, 'delete'), '')
      assert.deepEqual([tables.endpoints.size, tables.networks.size], [0, 0])
    }),
    { numRuns: 200 },
  )
})
