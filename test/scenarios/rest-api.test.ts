// What clients of the original send, and what they must get: requests as its netctl made them, in order, against one
// netmaster. `200` alone means accepted; an object is what is answered and stored; a code is a refusal. Where ours differs
// on purpose, the step says why.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startTestNetmaster, type TestNetmaster } from '../../src/netmaster/testing.ts'

let netmaster: TestNetmaster
before(async () => {
  netmaster = await startTestNetmaster()
})
after(() => netmaster.stop())

type Expected = 200 | string | readonly unknown[] | { readonly [attribute: string]: unknown }
/** A path below /api/v1/; no body means GET, null means DELETE. */
type Step = readonly [path: string, body: object | null | undefined, expected: Expected]

async function play(steps: readonly Step[]): Promise<void> {
  for (const [path, body, expected] of steps) {
    const method = body === undefined ? 'GET' : body === null ? 'DELETE' : 'POST'
    const url = `/api/v1/${path}/`
    const where = `${method} ${url} ${JSON.stringify(body)}`
    if (expected === 200) await netmaster.ok(method, url, body ?? undefined)
    else if (typeof expected === 'string' && /^[A-Z_]+$/.test(expected)) {
      assert.equal(await netmaster.refused(method, url, body ?? undefined), expected, where)
    } else {
      assert.deepEqual(await netmaster.ok(method, url, body ?? undefined), expected, where)
      // What a write answers is what a read then answers.
      if (method === 'POST') assert.deepEqual(await netmaster.ok('GET', url), expected, where)
    }
  }
}

const toTenant = (key: string) => ({ Tenant: { type: 'tenant', key } })
const linkSet = (type: string, ...keys: string[]) => Object.fromEntries(keys.map((key) => [key, { type, key }]))
const none = { 'link-sets': {} }

const settings = {
  key: 'global',
  arpMode: 'proxy',
  fwdMode: 'routing',
  name: 'global',
  networkInfraType: 'default',
  pvtSubnet: '172.19.0.0/16',
  vlans: '1-4094',
  vxlans: '1-10000',
}
const global = 'globals/global'

test('global settings', async () => {
  await play([
    ['globals', undefined, [settings]],
    [global, undefined, settings],
    [`inspect/${global}`, undefined, { Config: settings, Oper: { clusterMode: 'docker' } }],
    ['globals/nope', undefined, 'GLOBAL_NOT_FOUND'],
    ['inspect/globals/nope', undefined, 'GLOBAL_NOT_FOUND'],
    [global, settings, settings],
    [global, { ...settings, vlans: '100-200' }, { ...settings, vlans: '100-200' }],
    [global, { ...settings, vxlans: '5000-6000' }, { ...settings, vxlans: '5000-6000' }],
    [global, { ...settings, fwdMode: 'bridge' }, { ...settings, fwdMode: 'bridge' }],
    [global, { ...settings, arpMode: 'flood' }, { ...settings, arpMode: 'flood' }],
    [global, { ...settings, pvtSubnet: '172.20.0.0/16' }, { ...settings, pvtSubnet: '172.20.0.0/16' }],
    ...['1-5000', '200-100', 'abc', '0-10'].map((vlans): Step => {
      return [global, { ...settings, vlans }, 'INVALID_TAG_RANGE']
    }),
    ...['10-1', '1-20000000', '5-100000'].map((vxlans): Step => {
      return [global, { ...settings, vxlans }, 'INVALID_TAG_RANGE']
    }),
    [global, { ...settings, vlans: '1-10,20-30' }, 'TOO_MANY_TAG_RANGES'],
    [global, { ...settings, fwdMode: 'nope' }, 'INVALID_BODY'],
    [global, { ...settings, pvtSubnet: '172.19.0.0/24' }, 'INVALID_BODY'],
    [global, settings, settings],
  ])
})

test('tenants', async () => {
  const blue = { tenantName: 'blue', ...none }
  const x64 = 'x'.repeat(64)
  await play([
    ['tenants', undefined, [{ key: 'default', tenantName: 'default', ...none }]],
    ['tenants/blue', blue, { key: 'blue', ...blue }],
    // The original refuses the same again; it changes nothing, so it is accepted.
    ['tenants/blue', blue, { key: 'blue', ...blue }],
    [`tenants/${x64}`, { tenantName: x64 }, 200],
    [`tenants/${x64}x`, { tenantName: `${x64}x` }, 'INVALID_BODY'],
    ...['_ab', 'a_', '-a', 'a-', 'a:b', 'a b', 'a|b', 'ü'].map((tenantName): Step => {
      return [`tenants/${encodeURIComponent(tenantName)}`, { tenantName }, 'INVALID_BODY']
    }),
    ['tenants/a.b', { tenantName: 'a.b' }, 200],
    ['tenants/blue', { tenantName: 'green' }, 'KEY_MISMATCH'],
    ['tenants/blue', { ...blue, key: 'green' }, 'KEY_MISMATCH'],
    ['tenants/green', { tenantName: 'green', unknown: 1 }, 200],
    ['tenants/green', null, 'green'],
    ['tenants/nope', undefined, 'TENANT_NOT_FOUND'],
    ['tenants/nope', null, 'TENANT_NOT_FOUND'],
    [`tenants/${x64}`, null, x64],
    ['tenants/a.b', null, 'a.b'],
  ])
})

const network = {
  encap: 'vxlan',
  gateway: '10.1.1.254',
  networkName: 'n1',
  nwType: 'data',
  subnet: '10.1.1.0/24',
  tenantName: 'default',
  ...none,
}
const emptyLinks = { AppProfile: {}, NetProfile: {}, Network: {}, Tenant: {} }
const groupLinks = { ...emptyLinks, Network: { type: 'network', key: 'default:n1' }, ...toTenant('default') }
const group = (groupName: string, more: object = {}) => ({
  groupName,
  networkName: 'n1',
  tenantName: 'default',
  ...none,
  links: emptyLinks,
  ...more,
})
const storedGroup = (groupName: string, more: object = {}) => ({
  ...group(groupName),
  key: `default:${groupName}`,
  links: groupLinks,
  ...more,
})

test('networks and groups, with pools taken out of the network', async () => {
  const pool = { ipPool: '10.1.1.10-10.1.1.20' }
  const groups = linkSet('endpointGroup', 'default:g1', 'default:gpool', 'default:gtag')
  await play([
    [
      'networks/default:n1',
      { ...network, links: { Tenant: {} } },
      { key: 'default:n1', ...network, nat: 'on', links: toTenant('default') },
    ],
    ['endpointGroups/default:g1', group('g1'), storedGroup('g1')],
    ['endpointGroups/default:g1', group('g1'), storedGroup('g1')],
    ['endpointGroups/default:gtag', group('gtag', { cfgdTag: 'mytag' }), storedGroup('gtag', { cfgdTag: 'mytag' })],
    ['endpointGroups/default:gpool', group('gpool', pool), storedGroup('gpool', pool)],
    ['endpointGroups/default:gx', group('gx', { networkName: 'nope' }), 'NETWORK_NOT_FOUND'],
    ['endpointGroups/nope:gx', group('gx', { tenantName: 'nope' }), 'TENANT_NOT_FOUND'],
    [
      'inspect/networks/default:n1',
      undefined,
      {
        Config: {
          key: 'default:n1',
          ...network,
          nat: 'on',
          'link-sets': { EndpointGroups: groups },
          links: toTenant('default'),
        },
        Oper: {
          allocatedIPAddresses: '10.1.1.10-10.1.1.20, 10.1.1.254',
          availableIPAddresses: '10.1.1.1-10.1.1.9, 10.1.1.21-10.1.1.253',
          externalPktTag: 1,
          networkTag: 'n1.default',
          pktTag: 1,
        },
      },
    ],
    [
      'inspect/endpointGroups/default:gtag',
      undefined,
      {
        Config: storedGroup('gtag', { cfgdTag: 'mytag' }),
        Oper: { externalPktTag: 1, groupTag: 'mytag', pktTag: 1 },
      },
    ],
    [
      'tenants/default',
      undefined,
      {
        key: 'default',
        tenantName: 'default',
        'link-sets': { EndpointGroups: groups, Networks: linkSet('network', 'default:n1') },
      },
    ],
    ['networks/default:n1', null, 'NETWORK_HAS_GROUPS'],
    ['endpointGroups/default:gpool', null, 'default:gpool'],
    ['endpointGroups/default:gpool', null, 'ENDPOINT_GROUP_NOT_FOUND'],
  ])
})

const policy = { policyName: 'p1', tenantName: 'default', ...none }
const rule = (ruleId: string, more: object = {}) => ({
  action: 'allow',
  direction: 'in',
  policyName: 'p1',
  priority: 1,
  ruleId,
  tenantName: 'default',
  ...none,
  links: { MatchEndpointGroup: {} },
  ...more,
})
const storedRule = (ruleId: string, more: object = {}) => ({
  ...rule(ruleId, more),
  key: `default:p1:${ruleId}`,
  'link-sets': { Policies: linkSet('policy', 'default:p1') },
})
const make = (ruleId: string, more: object = {}): Step => [
  `rules/default:p1:${ruleId}`,
  rule(ruleId, more),
  storedRule(ruleId, more),
]
const refuse = (more: object, code: string): Step => ['rules/default:p1:bad', rule('bad', more), code]

test('policies and rules, linked both ways', async () => {
  const matched = { links: { MatchEndpointGroup: { type: 'endpointGroup', key: 'default:g1' } } }
  await play([
    [
      'policys/default:p1',
      { ...policy, links: { Tenant: {} } },
      { key: 'default:p1', ...policy, links: toTenant('default') },
    ],
    make('1'),
    make('2', { action: 'deny', port: 80, protocol: 'tcp' }),
    [
      'rules/default:p1:4',
      rule('4', { fromEndpointGroup: 'g1' }),
      storedRule('4', { fromEndpointGroup: 'g1', ...matched }),
    ],
    make('5', { fromNetwork: 'n1', port: 443, protocol: 'tcp' }),
    make('7', { fromIpAddress: '10.1.2.0/24' }),
    make('10', { direction: 'out', action: 'deny', toIpAddress: '10.1.2.0/24' }),
    make('11', { direction: 'out', protocol: 'icmp', priority: 100 }),
    ...[{ toEndpointGroup: 'g1' }, { toNetwork: 'n1' }].map((more) => refuse(more, 'RULE_TO_ON_INCOMING')),
    refuse({ priority: 101 }, 'INVALID_BODY'),
    refuse({ direction: 'both' }, 'INVALID_BODY'),
    refuse({ action: 'log' }, 'INVALID_BODY'),
    // The original takes negative ports.
    refuse({ port: -5, protocol: 'tcp' }, 'INVALID_BODY'),
    refuse({ policyName: 'nope' }, 'KEY_MISMATCH'),
    ['rules/default:nope:1', rule('1', { policyName: 'nope' }), 'POLICY_NOT_FOUND'],
    // The original refuses any change; ours makes it.
    ['rules/default:p1:1', rule('1', { action: 'deny' }), { ...storedRule('1'), action: 'deny' }],
    [
      'endpointGroups/default:gp1',
      group('gp1', { policies: ['p1'] }),
      storedGroup('gp1', { policies: ['p1'], 'link-sets': { Policies: linkSet('policy', 'default:p1') } }),
    ],
    ['policys/default:p1', null, 'POLICY_IN_USE'],
    ['endpointGroups/default:g2', group('g2', { policies: ['nope'] }), 'POLICY_NOT_FOUND'],
    // The original deletes a group that rules name, and leaves them with a dead link.
    ['endpointGroups/default:g1', null, 'GROUP_IN_RULES'],
    ['endpointGroups/default:gp1', null, 'default:gp1'],
    ['policys/default:p1', null, 'default:p1'],
    ['rules', undefined, []],
    ['policys/default:p1', undefined, 'POLICY_NOT_FOUND'],
  ])
})

test('tenants go when nothing is left in them', async () => {
  const inBlue = { tenantName: 'blue', subnet: '10.1.1.0/24' }
  await play([
    ['networks/blue:n1', { networkName: 'n1', ...inBlue }, 200],
    ['endpointGroups/blue:g1', { groupName: 'g1', networkName: 'n1', tenantName: 'blue' }, 200],
    ['policys/blue:p1', { policyName: 'p1', tenantName: 'blue' }, 200],
    ['tenants/blue', null, 'TENANT_HAS_GROUPS'],
    ['endpointGroups/blue:g1', null, 'blue:g1'],
    ['tenants/blue', null, 'TENANT_HAS_POLICIES'],
    ['policys/blue:p1', null, 'blue:p1'],
    ['tenants/blue', null, 'TENANT_HAS_NETWORKS'],
    ['networks/blue:n1', null, 'blue:n1'],
    ['tenants/blue', null, 'blue'],
  ])
})

test('the server about itself, with the names clients read', async () => {
  const names = async (path: string) => Object.keys(Object(await netmaster.ok('GET', path)))
  assert.deepEqual(await names('/version'), ['GitCommit', 'Version', 'BuildTime'])
  assert.deepEqual(await names('/info'), [
    'current-state',
    'leader-ip',
    'local-ip',
    'netmaster-nodes',
    'netplugin-nodes',
  ])
})
