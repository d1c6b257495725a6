// `why` over HTTP: who is meant by the words of a question.

import assert from 'node:assert/strict'
import type { WhyAnswer } from '../model/why.ts'
import {
  group,
  groupPath,
  inDefault,
  network,
  networkPath,
  objectPath,
  scenario,
  tenantPath,
} from './objects/testing.ts'
import type { TestNetmaster } from './testing.ts'
import { create } from './testing-nodes.ts'

const path = (source: string, destination: string, connection: string, tenant = 'default') =>
  `/api/v1/inspect/why/${tenant}/${[source, destination, connection].map(encodeURIComponent).join('/')}/`

const rule = (ruleId: string, more: object) =>
  inDefault({ policyName: 'p', ruleId, direction: 'in', action: 'deny', ...more })

/** Containers web (10.1.1.1, group g with a policy), db (10.1.1.2, also 10.1.2.1) and one of another tenant. */
async function furnish(netmaster: TestNetmaster): Promise<void> {
  await netmaster.ok('POST', tenantPath('blue'), { tenantName: 'blue' })
  await netmaster.ok('POST', '/api/v1/networks/blue:n/', {
    networkName: 'n',
    tenantName: 'blue',
    subnet: '10.9.9.0/24',
  })
  const more = { ipv6Subnet: '2001:db8::/64' }
  await netmaster.ok('POST', networkPath('n'), network('n', '10.1.1.0/24', more))
  await netmaster.ok('POST', networkPath('m'), network('m', '10.1.2.0/24'))
  await netmaster.ok('POST', objectPath('policys', 'p'), inDefault({ policyName: 'p' }))
  await netmaster.ok('POST', groupPath('g'), group('g', 'n', { policies: ['p'] }))
  await netmaster.ok('POST', objectPath('rules', 'p:1'), rule('1', { protocol: 'tcp', port: 80 }))
  const container = (EPCommonName: string) => ({ EPCommonName })
  await create(netmaster, 'ep-web', { ...container('web'), ServiceName: 'g' }, '10.1.1.1')
  await create(netmaster, 'ep-db', container('db'), '10.1.1.2')
  await create(netmaster, 'ep-db2', { ...container('db'), NetworkName: 'm' }, '10.1.2.1')
  await create(netmaster, 'ep-blue', { ...container('stranger'), TenantName: 'blue' }, '10.9.9.1')
}

const verdicts: readonly (readonly [string, string, string, WhyAnswer['verdict'], WhyAnswer['way']['code']])[] = [
  ['db', 'web', 'tcp:80', 'denied', 'SAME_NETWORK'],
  ['db', 'web', 'tcp/80', 'denied', 'SAME_NETWORK'],
  ['db', 'web', 'tcp:81', 'allowed', 'SAME_NETWORK'],
  ['ep-db', 'ep-w', 'icmp', 'allowed', 'SAME_NETWORK'],
  ['10.1.1.2', '10.1.1.1', 'tcp:80', 'denied', 'SAME_NETWORK'],
  ['2001:db8::2', 'group:g', 'tcp:80', 'denied', 'SAME_NETWORK'],
  ['2001:DB8::0077', 'group:g', 'tcp:80', 'no way', 'NOBODY_THERE'],
  ['group:g', 'db', 'icmpv6', 'allowed', 'SAME_NETWORK'],
  ['ep-db2', 'web', 'udp:53', 'no way', 'NO_GATEWAY'],
  ['web', 'stranger', 'icmp', 'no way', 'OTHER_TENANT'],
  ['web', '10.9.9.1', 'icmp', 'no way', 'NO_EXIT'],
  ['web', '10.1.1.77', 'icmp', 'no way', 'NOBODY_THERE'],
]

const refusals: readonly (readonly [string, string, string, string])[] = [
  ['nobody', 'web', 'icmp', 'ENDPOINT_NOT_FOUND'],
  ['web', 'group:x', 'icmp', 'ENDPOINT_GROUP_NOT_FOUND'],
  ['ep-', 'web', 'icmp', 'ENDPOINT_AMBIGUOUS'],
  ['web', 'db', 'http', 'INVALID_CONNECTION'],
  ['web', '10.1.1.2', 'icmpv6', 'WHY_FAMILIES'],
  ['10.1.1.2', '2001:db8::1', 'icmp', 'WHY_FAMILIES'],
  ['web', '224.0.0.251', 'udp:5353', 'WHY_MULTICAST'],
  ['web', '255.255.255.255', 'udp:67', 'WHY_MULTICAST'],
  ['web', 'ff02::1', 'icmp', 'WHY_MULTICAST'],
]

scenario('ends are containers by name or id, groups, and addresses', async (netmaster) => {
  await furnish(netmaster)
  for (const [source, destination, connection, verdict, code] of verdicts) {
    const answer = (await netmaster.ok('GET', path(source, destination, connection))) as WhyAnswer
    assert.deepEqual([answer.verdict, answer.way.code], [verdict, code], `${source} ${destination} ${connection}`)
  }
  for (const [source, destination, connection, code] of refusals) {
    const refused = await netmaster.refused('GET', path(source, destination, connection))
    assert.equal(refused, code, `${source} ${destination} ${connection}`)
  }
  assert.equal(await netmaster.refused('GET', path('web', 'db', 'icmp', 'green')), 'TENANT_NOT_FOUND')
})

scenario('of a container with several interfaces those are meant between which there is a way', async (netmaster) => {
  await furnish(netmaster)
  const answer = (await netmaster.ok('GET', path('web', 'db', 'tcp:80'))) as WhyAnswer
  assert.deepEqual([answer.verdict, answer.destination.address], ['allowed', '10.1.1.2'])
  assert.equal(answer.source.name, 'web')
})

scenario(
  'a service is asked about by name, with its network, or by address, and comes before containers',
  async (netmaster) => {
    await furnish(netmaster)
    const service = (serviceName: string, more: object = {}) =>
      netmaster.ok('POST', objectPath('serviceLBs', serviceName), {
        tenantName: 'default',
        serviceName,
        networkName: 'n',
        ipAddress: serviceName === 'shop' ? '10.1.1.100' : '',
        selectors: ['tier=shop'],
        ports: ['81:80:TCP', '80:81:TCP'],
        ...more,
      })
    await service('shop')
    await service('web')
    const ask = async (...words: readonly [string, string, string]) =>
      (await netmaster.ok('GET', path(...words))) as WhyAnswer
    assert.equal((await ask('db', 'shop', 'tcp:81')).way.code, 'NO_PROVIDER')
    await netmaster.ok('POST', '/plugin/updateEndpoint', {
      EndpointID: 'ep-web',
      ContainerID: 'w',
      Labels: { tier: 'shop' },
    })
    for (const name of ['shop', 'SHOP.n', 'service:shop', '10.1.1.100', 'web']) {
      const answer = await ask('db', name, 'tcp:81')
      assert.deepEqual(
        [answer.verdict, answer.destination.kind, answer.providers?.[0]?.verdict],
        ['denied', 'service', 'denied'],
      )
    }
    assert.deepEqual((await ask('db', 'shop', 'tcp:80')).verdict, 'allowed')
    assert.deepEqual((await ask('db', 'shop', 'udp:80')).way.code, 'SERVICE_PORT')
    assert.equal(await netmaster.refused('GET', path('db', 'service:nope', 'tcp:80')), 'SERVICE_NOT_FOUND')
  },
)
