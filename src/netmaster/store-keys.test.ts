import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { NetpluginError } from '../lib/errors.ts'
import type { AddressOwner, GrantChange } from '../model/grant.ts'
import { stateVersion } from '../model/versions.ts'
import { decodeEntry, grantKey, recordKey, settingsKey, storedRecord } from './store-keys.ts'

const owner: fc.Arbitrary<AddressOwner> = fc.oneof(
  fc.record({ type: fc.constant('endpoint' as const), id: fc.string() }),
  fc.record({ type: fc.constant('reservation' as const), node: fc.string(), at: fc.nat() }),
)
const grant: fc.Arbitrary<GrantChange> = fc.oneof(
  fc.record({
    kind: fc.constant('number' as const),
    pool: fc.constantFrom('vlan' as const, 'vni' as const, 'group-id' as const),
    number: fc.nat(),
    owner: fc.option(fc.string()),
  }),
  fc.record({
    kind: fc.constant('address' as const),
    network: fc.constantFrom('default:n', 'a.b:c-d'),
    address: fc.constantFrom('10.1.1.1', 'fd00::1'),
    owner: fc.option(owner),
  }),
)

test('a grant is read back as it was written', () => {
  fc.assert(
    fc.property(grant, (drawn) => {
      const change = structuredClone(drawn)
      assert.deepEqual(decodeEntry(grantKey(change), change.owner === null ? null : structuredClone(change.owner)), {
        type: 'grant',
        grant: change,
      })
    }),
  )
})

test('the key of a record may hold any character', () => {
  fc.assert(
    fc.property(fc.string(), (key) => {
      const change = { kind: 'endpoint', key, value: null } as const
      assert.deepEqual(decodeEntry(recordKey(change), null), { type: 'record', change })
    }),
  )
})

test('what is no part of the state is left alone, what is damaged is named', () => {
  assert.deepEqual(decodeEntry(settingsKey, { netMode: 'vlan' }), { type: 'other' })
  const damaged = [
    ['record/nope/x', {}],
    ['record/tenant/x', 'text'],
    ['grant/nope/1', 'x'],
    ['grant/vlan/x', 'x'],
    ['grant/vlan/1', 5],
    ['grant/address/x', 'y'],
    ['grant/address/a:b/10.0.0.1', { type: 'x' }],
  ] as const
  for (const [key, value] of damaged) {
    assert.throws(
      () => decodeEntry(key, value),
      (error) => error instanceof NetpluginError && error.code === 'STORE_DAMAGED' && error.message.includes(key),
      key,
    )
  }
})

test('a record has the version of its layout, and is read back without', () => {
  const value = { tenantName: 'blue', defaultNetwork: '', tenantId: 7 }
  assert.deepEqual(storedRecord(value), { ...value, v: stateVersion })
  const change = { kind: 'tenant', key: 'blue', value }
  assert.deepEqual(decodeEntry('record/tenant/blue', storedRecord(value)), { type: 'record', change })
  assert.deepEqual(
    decodeEntry('record/tenant/blue', value),
    { type: 'record', change },
    'one of before there were versions',
  )
})

test('what the next version stores is read, kinds that only it knows are left alone, and the one after is refused', () => {
  const next = { tenantName: 'blue', defaultNetwork: '', tenantId: 7, later: true }
  const decoded = decodeEntry('record/tenant/blue', { ...next, v: stateVersion + 1 })
  assert.deepEqual(decoded, { type: 'record', change: { kind: 'tenant', key: 'blue', value: next } })
  assert.deepEqual(decodeEntry('record/later/x', { v: stateVersion + 1 }), { type: 'other' })
  assert.deepEqual(decodeEntry('record/later/x', null), { type: 'other' })
  assert.throws(() => decodeEntry('record/tenant/blue', { ...next, v: stateVersion + 2 }), { code: 'STORE_TOO_NEW' })
})
