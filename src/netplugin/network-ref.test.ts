import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { clusterState } from '../../test/support/cluster.ts'
import { networkOf, parsePoolId, poolId, refFromOptions, refFromPool } from './network-ref.ts'
import { small } from './testing.ts'

const vxlan = { kind: 'vxlan', vni: 1 } as const

test('options name the network; tenant and group may be left out', () => {
  assert.deepEqual(refFromOptions({ network: 'n' }), { tenant: 'default', network: 'n', group: '' })
  assert.deepEqual(refFromOptions({ tenant: 't', network: 'n', group: 'g', other: 'x' }), {
    tenant: 't',
    network: 'n',
    group: 'g',
  })
  assert.equal(refFromOptions({ tenant: 't' }), undefined)
  assert.equal(refFromOptions({ network: '' }), undefined)
})

test('a pool stands for the one network that has it, by IPv4, by IPv6 and around a range', () => {
  const state = small()
  assert.deepEqual(refFromPool('10.1.0.0/16', state), { tenant: 'default', network: 'net', group: '' })
  assert.deepEqual(refFromPool('fd00::/64', state), { tenant: 'default', network: 'net', group: '' })
  assert.deepEqual(refFromPool('10.3.0.0/24', state), { tenant: 'blue', network: 'net', group: '' })
})

test('a pool that no network or several networks have says nothing', () => {
  const twice = clusterState({
    tenants: ['a', 'b'],
    networks: ['a:n', 'b:n'].map((key) => ({ key, encap: vxlan, subnet: '10.0.0.0/8' })),
    endpoints: [],
    nodes: [],
  })
  const wrong = { kind: 'invalid', code: 'NETWORK_NOT_NAMED' }
  assert.throws(() => refFromPool('10.0.0.0/8', twice), { ...wrong, message: /^several networks have the subnet 10\./ })
  assert.throws(() => refFromPool('10.7.0.0/16', small()), { ...wrong, message: /^no network has the subnet 10\.7/ })
  assert.throws(() => refFromPool('10.1.0.0/16', undefined), wrong)
})

test('no pool is not the pool of a network without IPv6', () => {
  const one = clusterState({
    tenants: ['default'],
    networks: [{ key: 'default:n', encap: vxlan, subnet: '10.0.0.0/8' }],
    endpoints: [],
    nodes: [],
  })
  assert.throws(() => refFromPool('', one), { code: 'NETWORK_NOT_NAMED', message: /\(none given\)/ })
})

test('a network that netmaster does not know is named in the error', () => {
  assert.equal(networkOf({ tenant: 'blue', network: 'net', group: '' }, small()).networkId, 3)
  assert.throws(() => networkOf({ tenant: 'blue', network: 'isle', group: '' }, small()), {
    kind: 'not-found',
    message: /network isle of tenant blue is not known/,
  })
})

test('pool ids are spelled as the specification has them', () => {
  assert.equal(poolId({ tenant: 't', network: 'n', group: '' }, '10.0.0.0/8'), 'n.t|10.0.0.0/8')
  assert.equal(poolId({ tenant: 't', network: 'n', group: 'g' }, '10.0.0.0/8'), 'n:g.t|10.0.0.0/8')
})

test('a pool id of a network that is gone is an error that says which', () => {
  assert.throws(() => parsePoolId('gone.default|10.0.0.0/8', small()), {
    kind: 'not-found',
    code: 'POOL_UNKNOWN',
    message: /gone\.default\|10\.0\.0\.0\/8/,
  })
  for (const id of ['', '|', 'net', 'net|10.1.0.0/16', '.|', 'net.default'])
    assert.throws(() => parsePoolId(id, small()), { code: 'POOL_UNKNOWN' }, id)
})

test('a pool id is read back to what it was made of, whatever dots the names have', () => {
  const part = fc.stringMatching(/^[a-z0-9]{1,3}$/)
  const name = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('.'))
  fc.assert(
    fc.property(name, name, fc.option(name, { nil: '' }), (tenant, network, group) => {
      const key = `${tenant}:${network}`
      const networks = [{ key, encap: vxlan, subnet: '10.0.0.0/8' }]
      const state = clusterState({ tenants: [tenant], networks, endpoints: [], nodes: [] })
      const ref = { tenant, network, group }
      assert.deepEqual(parsePoolId(poolId(ref, '10.0.0.0/8'), state), { ref, pool: '10.0.0.0/8' })
    }),
  )
})
