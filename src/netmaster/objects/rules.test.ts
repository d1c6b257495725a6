// Rules and their policies.

import assert from 'node:assert/strict'
import type { TestNetmaster } from '../testing.ts'
import { create } from '../testing-nodes.ts'
import {
  assertRefused,
  group,
  groupPath,
  inDefault,
  network,
  networkPath,
  objectPath,
  play,
  type Refusal,
  scenario,
  tenantLink,
  tenantPath,
} from './testing.ts'

const policyPath = (name: string) => objectPath('policys', name)
const policy = (policyName: string) => inDefault({ policyName })
const rulePath = (id: string, policyName = 'p') => objectPath('rules', `${policyName}:${id}`)
const rule = (ruleId: string, more: object = {}) =>
  inDefault({ policyName: 'p', ruleId, direction: 'in', action: 'allow', ...more })
const policySet = { Policies: { 'default:p': { type: 'policy', key: 'default:p' } } }

/** Networks n and m, groups g (with policy p) and h, policies p and q. */
async function furnish(netmaster: TestNetmaster, ofN: object = {}): Promise<void> {
  await netmaster.ok('POST', networkPath('n'), network('n', '10.1.1.0/24', ofN))
  await netmaster.ok('POST', networkPath('m'), network('m', '10.1.2.0/24'))
  await netmaster.ok('POST', policyPath('p'), policy('p'))
  await netmaster.ok('POST', policyPath('q'), policy('q'))
  await netmaster.ok('POST', groupPath('g'), group('g', 'n', { policies: ['p'] }))
  await netmaster.ok('POST', groupPath('h'), group('h', 'n'))
}

scenario('a rule is stored with its defaults, and linked to its policy and group', async (netmaster) => {
  await furnish(netmaster)
  const shown = (id: string, more: object, match?: string) => {
    const { tenantName, ...rest } = rule(id)
    const links = { MatchEndpointGroup: match === undefined ? {} : { type: 'endpointGroup', key: match } }
    return { key: `default:p:${id}`, priority: 1, ...rest, tenantName, 'link-sets': policySet, links, ...more }
  }
  const tcp80 = { protocol: 'tcp', port: 80 }
  await play(netmaster, [
    ['GET', '/api/v1/rules/', undefined, []],
    ['POST', rulePath('1'), rule('1'), shown('1', {})],
    ['POST', rulePath('2'), rule('2', { priority: 0 }), shown('2', {})],
    [
      'POST',
      rulePath('3'),
      rule('3', { action: 'deny', priority: 100, ...tcp80 }),
      shown('3', { action: 'deny', priority: 100, ...tcp80 }),
    ],
    ['POST', rulePath('4'), rule('4', { fromEndpointGroup: 'h' }), shown('4', { fromEndpointGroup: 'h' }, 'default:h')],
    ['POST', rulePath('5'), rule('5', { fromNetwork: 'm', ...tcp80 }), shown('5', { fromNetwork: 'm', ...tcp80 })],
    [
      'POST',
      rulePath('6'),
      rule('6', { fromEndpointGroup: 'h', fromIpAddress: '10.1.1.9' }),
      shown('6', { fromEndpointGroup: 'h', fromIpAddress: '10.1.1.9' }, 'default:h'),
    ],
    [
      'POST',
      rulePath('7'),
      rule('7', { direction: 'out', toEndpointGroup: 'h', toIpAddress: '10.1.1.0/24' }),
      shown('7', { direction: 'out', toEndpointGroup: 'h', toIpAddress: '10.1.1.0/24' }, 'default:h'),
    ],
    [
      'POST',
      rulePath('8'),
      rule('8', { direction: 'out', toNetwork: 'm' }),
      shown('8', { direction: 'out', toNetwork: 'm' }),
    ],
    ['GET', '/api/v1/inspect/rules/default:p:1/', undefined, { Config: shown('1', {}) }],
    ['GET', rulePath('nope'), undefined, 'RULE_NOT_FOUND'],
    [
      'GET',
      groupPath('h'),
      undefined,
      {
        ...group('h', 'n'),
        key: 'default:h',
        'link-sets': {
          MatchRules: Object.fromEntries(
            ['4', '6', '7'].map((id) => [`default:p:${id}`, { type: 'rule', key: `default:p:${id}` }]),
          ),
        },
        links: { AppProfile: {}, NetProfile: {}, Network: { type: 'network', key: 'default:n' }, ...tenantLink },
      },
    ],
    ['DELETE', rulePath('4'), undefined, 'default:p:4'],
    ['DELETE', rulePath('4'), undefined, 'RULE_NOT_FOUND'],
  ])
})

scenario('a rule may change, and the same rule again changes nothing', async (netmaster) => {
  await furnish(netmaster)
  await netmaster.ok('POST', rulePath('1'), rule('1'))
  const { revision } = await netmaster.store.snapshot()
  await netmaster.ok('POST', rulePath('1'), rule('1'))
  assert.equal((await netmaster.store.snapshot()).revision, revision)
  const changed = await netmaster.ok(
    'POST',
    rulePath('1'),
    rule('1', { direction: 'out', toEndpointGroup: 'h', action: 'deny' }),
  )
  assert.deepEqual(await netmaster.ok('GET', rulePath('1')), changed)
  assert.equal(await netmaster.refused('DELETE', groupPath('h')), 'GROUP_IN_RULES')
  await netmaster.ok('POST', rulePath('1'), rule('1'))
  assert.equal(await netmaster.ok('DELETE', groupPath('h')), 'default:h')
})

scenario('a rule that contradicts itself, or names what is not there, is refused', async (netmaster) => {
  await furnish(netmaster)
  await netmaster.ok('POST', rulePath('1'), rule('1'))
  const bad = (more: object, code: string, status = 400): Refusal => [
    'POST',
    rulePath('x'),
    rule('x', more),
    status,
    code,
  ]
  const out = { direction: 'out' }
  await assertRefused(netmaster, [
    bad({ toEndpointGroup: 'g' }, 'RULE_TO_ON_INCOMING'),
    bad({ toNetwork: 'n' }, 'RULE_TO_ON_INCOMING'),
    bad({ toNetwork: 'nope' }, 'RULE_TO_ON_INCOMING'),
    bad({ fromNetwork: 'n', fromIpAddress: '10.1.1.5' }, 'RULE_FROM_NETWORK_AND_ADDRESS'),
    bad({ fromNetwork: 'n', fromEndpointGroup: 'g' }, 'RULE_FROM_NETWORK_AND_GROUP'),
    bad({ ...out, fromEndpointGroup: 'g' }, 'RULE_FROM_ON_OUTGOING'),
    bad({ ...out, fromNetwork: 'n' }, 'RULE_FROM_ON_OUTGOING'),
    bad({ ...out, fromIpAddress: '10.1.1.5' }, 'RULE_FROM_ON_OUTGOING'),
    bad({ ...out, toNetwork: 'n', toIpAddress: '10.1.1.5' }, 'RULE_TO_NETWORK_AND_ADDRESS'),
    bad({ ...out, toNetwork: 'n', toEndpointGroup: 'g' }, 'RULE_TO_NETWORK_AND_GROUP'),
    bad({ fromEndpointGroup: 'nope' }, 'ENDPOINT_GROUP_NOT_FOUND', 404),
    bad({ fromNetwork: 'nope' }, 'NETWORK_NOT_FOUND', 404),
    bad({ ...out, toEndpointGroup: 'nope' }, 'ENDPOINT_GROUP_NOT_FOUND', 404),
    bad({ ...out, toNetwork: 'nope' }, 'NETWORK_NOT_FOUND', 404),
    ['POST', rulePath('x', 'nope'), rule('x', { policyName: 'nope' }), 404, 'POLICY_NOT_FOUND'],
    ['POST', '/api/v1/rules/nope:p:x/', rule('x', { tenantName: 'nope' }), 404, 'TENANT_NOT_FOUND'],
    ['POST', rulePath('1'), rule('2'), 400, 'KEY_MISMATCH'],
    ['POST', rulePath('1'), rule('1', { toNetwork: 'n' }), 400, 'RULE_TO_ON_INCOMING'],
    ['POST', rulePath('1'), rule('1', { fromNetwork: 'nope' }), 404, 'NETWORK_NOT_FOUND'],
    bad({ direction: 'both' }, 'INVALID_BODY'),
    bad({ direction: undefined }, 'INVALID_BODY'),
    bad({ action: 'drop' }, 'INVALID_BODY'),
    bad({ action: undefined }, 'INVALID_BODY'),
    bad({ priority: 101 }, 'INVALID_BODY'),
    bad({ priority: -1 }, 'INVALID_BODY'),
    bad({ port: 65_536, protocol: 'tcp' }, 'INVALID_BODY'),
    bad({ port: -5, protocol: 'tcp' }, 'INVALID_BODY'),
    ['DELETE', rulePath('x'), undefined, 404, 'RULE_NOT_FOUND'],
  ])
})

scenario('an incoming rule for one address needs a policy of one group, and an endpoint of it', async (netmaster) => {
  await furnish(netmaster, { ipv6Subnet: '2001:db8::/64' })
  await create(netmaster, 'e1', { NetworkName: 'n', ServiceName: 'g' })
  await create(netmaster, 'e2', { NetworkName: 'n', ServiceName: 'h' })
  const to = (toIpAddress: string, code: string): Refusal => [
    'POST',
    rulePath('x'),
    rule('x', { toIpAddress }),
    400,
    code,
  ]
  await assertRefused(netmaster, [
    to('10.1.1.2', 'RULE_TARGET_UNKNOWN'),
    to('10.1.1.77', 'RULE_TARGET_UNKNOWN'),
    to('10.1.1.0/24', 'RULE_TARGET_UNKNOWN'),
    to('10.1.1.1,10.1.1.2', 'RULE_TARGET_UNKNOWN'),
    to('10.1.1.1-1', 'RULE_TARGET_UNKNOWN'),
    to('2001:db8::2', 'RULE_TARGET_UNKNOWN'),
    ['POST', rulePath('x', 'q'), rule('x', { policyName: 'q', toIpAddress: '10.1.1.1' }), 400, 'RULE_TARGET_GROUPS'],
  ])
  await create(netmaster, 'e3', { NetworkName: 'n', ServiceName: 'g' })
  for (const toIpAddress of ['10.1.1.1', '10.1.1.1,10.1.1.3', '2001:DB8:0::1'])
    await netmaster.ok('POST', rulePath('x'), rule('x', { toIpAddress }))
  await netmaster.ok('POST', groupPath('h'), group('h', 'n', { policies: ['p'] }))
  await assertRefused(netmaster, [
    ['POST', rulePath('y'), rule('y', { toIpAddress: '10.1.1.1' }), 400, 'RULE_TARGET_GROUPS'],
  ])
})

scenario('a policy stays while groups have it, and takes its rules with it', async (netmaster) => {
  await furnish(netmaster)
  await netmaster.ok('POST', rulePath('1'), rule('1', { fromEndpointGroup: 'h' }))
  await netmaster.ok('POST', rulePath('2'), rule('2', { fromNetwork: 'm' }))
  const shown = (sets: object) => ({ key: 'default:p', ...policy('p'), 'link-sets': sets, links: tenantLink })
  const rules = {
    'default:p:1': { type: 'rule', key: 'default:p:1' },
    'default:p:2': { type: 'rule', key: 'default:p:2' },
  }
  const groups = { 'default:g': { type: 'endpointGroup', key: 'default:g' } }
  await play(netmaster, [
    ['GET', policyPath('p'), undefined, shown({ EndpointGroups: groups, Rules: rules })],
    ['POST', policyPath('p'), policy('p'), shown({ EndpointGroups: groups, Rules: rules })],
    ['GET', policyPath('nope'), undefined, 'POLICY_NOT_FOUND'],
    [
      'GET',
      '/api/v1/inspect/policys/default:q/',
      undefined,
      { Config: { ...shown({}), key: 'default:q', policyName: 'q' }, Oper: {} },
    ],
  ])
  await assertRefused(netmaster, [
    ['POST', policyPath('bad!name'), policy('bad!name'), 400, 'INVALID_BODY'],
    ['POST', '/api/v1/policys/nope:p/', { ...policy('p'), tenantName: 'nope' }, 404, 'TENANT_NOT_FOUND'],
    ['POST', policyPath('p'), policy('q'), 400, 'KEY_MISMATCH'],
    ['DELETE', policyPath('p'), undefined, 409, 'POLICY_IN_USE'],
    ['DELETE', policyPath('nope'), undefined, 404, 'POLICY_NOT_FOUND'],
    ['DELETE', groupPath('h'), undefined, 409, 'GROUP_IN_RULES'],
    ['DELETE', networkPath('m'), undefined, 409, 'NETWORK_IN_RULES'],
  ])
  await play(netmaster, [
    [
      'POST',
      groupPath('g'),
      group('g', 'n'),
      {
        ...group('g', 'n'),
        key: 'default:g',
        links: { AppProfile: {}, NetProfile: {}, Network: { type: 'network', key: 'default:n' }, ...tenantLink },
      },
    ],
    ['GET', policyPath('p'), undefined, shown({ Rules: rules })],
    ['DELETE', policyPath('p'), undefined, 'default:p'],
    ['GET', '/api/v1/rules/', undefined, []],
    ['DELETE', groupPath('h'), undefined, 'default:h'],
    ['DELETE', networkPath('m'), undefined, 'default:m'],
  ])
})

scenario('a policy shows the endpoints of all its groups', async (netmaster) => {
  await furnish(netmaster)
  await netmaster.ok('POST', groupPath('h'), group('h', 'n', { policies: ['p', 'q'] }))
  for (const [id, ServiceName] of [
    ['e1', 'g'],
    ['e2', 'h'],
    ['e3', ''],
  ] as const)
    await create(netmaster, id, { NetworkName: 'n', ServiceName })
  const { Oper }: { Oper: { numEndpoints: number; endpoints: { endpointID: string }[] } } = Object(
    await netmaster.ok('GET', '/api/v1/inspect/policys/default:p/'),
  )
  assert.equal(Oper.numEndpoints, 2)
  assert.deepEqual(
    Oper.endpoints.map(({ endpointID }) => endpointID),
    ['e1', 'e2'],
  )
  const tenant: { Oper: { policies: unknown; totalPolicies: number } } = Object(
    await netmaster.ok('GET', `/api/v1/inspect${tenantPath('default').slice(7)}`),
  )
  assert.equal(tenant.Oper.totalPolicies, 2)
  assert.deepEqual(tenant.Oper.policies, [Oper, { numEndpoints: 1, endpoints: Oper.endpoints.slice(1) }])
})
