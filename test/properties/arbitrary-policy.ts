// Random policies on random small clusters: groups in every network, policies of many rules, several of them on a group
// and one of them on several groups.

import fc from 'fast-check'
import type { ClusterState, EndpointRecord, GroupRecord, TenantRecord } from '../../src/model/state.ts'
import { groupRecord, type RuleIntent, ruleRecord } from '../support/cluster.ts'
import { cluster } from './arbitrary-cluster.ts'

const groupNames = ['web', 'db'] as const
const policyNames = ['one', 'two'] as const
const addresses = [
  '10.1.0.1',
  '10.1.0.2',
  '10.1.0.1-3',
  '10.1.0.2-4/24',
  '10.2.0.0/24',
  '10.1.0.2/31',
  '10.2.0.1',
  '10.1.0.2-10.2.0.1',
  '10.2.0.1,10.1.0.1-2,10.1.0.2-3',
  '0.0.0.0-255.255.255.255',
  '2001:db8:1::1',
  '2001:db8:1::1-2001:db8:1::4',
  '2001:db8:2::/64,10.1.0.1',
  '2001:db8:1::2-2001:db8:2::1,10.0.0.0/8',
  '::/0',
  // The last two are those of wide rules.
  '10.1.0.1-6',
  '10.1.0.3-9,2001:db8:1::1-2001:db8:1::6',
]
const portLists = ['80,443', '8000-8100', '22,79-81,1024-65535', '8050,8099-9000', '0-65535']
const targets = ['10.1.0.2', '2001:db8:1::2']

interface RuleChoice {
  readonly policy: number
  readonly direction: 'in' | 'out'
  readonly action: 'allow' | 'deny'
  readonly priority: number
  readonly protocol: string
  readonly port: number
  readonly ports: string
  readonly remote: 'anybody' | 'group' | 'network' | 'address' | 'group and address'
  readonly pick: number
  readonly target: boolean
  /** Of a deny. */
  readonly cuts: boolean
  readonly logs: boolean
}

const anyRule: fc.Arbitrary<RuleChoice> = fc.record({
  policy: fc.nat({ max: policyNames.length - 1 }),
  direction: fc.constantFrom('in', 'out'),
  // Few rules apply to an opening, and what none applies to is allowed.
  action: fc.constantFrom('allow', 'deny', 'deny'),
  priority: fc.constantFrom(1, 1, 10, 100),
  protocol: fc.constantFrom('', '', '', '', 'tcp', 'udp', 'sctp', 'icmp', 'icmpv6', '6', '1', '47', '132'),
  port: fc.constantFrom(0, 0, 80, 443),
  ports: fc.constantFrom('', '', '', ...portLists),
  remote: fc.constantFrom('anybody', 'group', 'network', 'address', 'group and address'),
  pick: fc.nat({ max: 100 }),
  target: fc.boolean(),
  cuts: fc.boolean(),
  logs: fc.nat({ max: 3 }).map((number) => number === 0),
})

/** Several members in every dimension: worth a conjunction, and like others of its kind. */
const wideRule: fc.Arbitrary<RuleChoice> = anyRule.map((rule) => ({
  ...rule,
  priority: 1,
  protocol: '',
  port: rule.pick % 2 === 0 ? 80 : 443,
  ports: rule.pick % 3 === 0 ? (portLists[rule.pick % portLists.length] ?? '') : '',
  remote: 'address',
  pick: addresses.length * 2 - 1 - (rule.pick % 2),
  target: false,
}))

const ruleChoice = fc.oneof({ arbitrary: anyRule, weight: 3 }, { arbitrary: wideRule, weight: 2 })

interface PolicyChoice {
  readonly rules: readonly RuleChoice[]
  /** For each group in order: which policies it has, as bits. */
  readonly policies: readonly number[]
  /** For each endpoint in order: 0 is none, then the groups of its network. */
  readonly membership: readonly number[]
  /** For each group in order, and for each tenant. */
  readonly groupDefaults: readonly Default[]
  readonly tenantDefaults: readonly Default[]
}

type Default = 'deny' | 'allow' | undefined

const defaults: fc.Arbitrary<Default> = fc.constantFrom(undefined, undefined, undefined, undefined, 'allow', 'deny')

const policyChoice: fc.Arbitrary<PolicyChoice> = fc.record({
  rules: fc.array(ruleChoice, { minLength: 1, maxLength: 10 }),
  policies: fc.array(fc.constantFrom(0, 1, 2, 3, 3), { minLength: 4, maxLength: 4 }),
  membership: fc.array(fc.nat({ max: 2 }), { minLength: 8, maxLength: 8 }),
  groupDefaults: fc.array(defaults, { minLength: 4, maxLength: 4 }),
  tenantDefaults: fc.array(defaults, { minLength: 2, maxLength: 2 }),
})

export const clusterWithPolicies: fc.Arbitrary<ClusterState> = fc
  .tuple(cluster, policyChoice)
  .map(([state, choice]) => withPolicies(state, choice))

/** One cluster that has other groups, policies and rules time and again. */
export const clusterWhosePoliciesChange: fc.Arbitrary<readonly ClusterState[]> = fc
  .tuple(cluster, fc.array(policyChoice, { minLength: 1, maxLength: 12, size: 'max' }))
  .map(([state, choices]) => choices.map((choice) => withPolicies(state, choice)))

/** Groups, policies and rules on a cluster that is given; `membership` says for each endpoint: 0 is no group, then web, db. */
export function policiesOn(state: ClusterState, membership: readonly number[]): fc.Arbitrary<ClusterState> {
  return policyChoice.map((choice) => withPolicies(state, { ...choice, membership }))
}

function withPolicies(state: ClusterState, choice: PolicyChoice): ClusterState {
  const { rules, policies, membership, groupDefaults, tenantDefaults } = choice
  const groups = new Map<string, GroupRecord>()
  for (const { tenantName, networkName } of state.networks.values()) {
    for (const name of groupNames) {
      const bits = policies[groups.size % policies.length] ?? 0
      const key = `${tenantName}:${networkName}-${name}`
      const named = policyNames.filter((_, index) => (bits & (1 << index)) !== 0)
      const defaultAction = groupDefaults[groups.size % groupDefaults.length]
      const record = groupRecord({ key, network: networkName, policies: named }, groups.size + 1)
      groups.set(key, { ...record, ...(defaultAction === undefined ? {} : { defaultAction }) })
    }
  }
  const endpoints = [...state.endpoints.values()].map((record, index) =>
    joined(record, groups, membership[index % membership.length] ?? 0),
  )
  const intents = [...state.tenants.keys()].flatMap((tenantName) =>
    rules.map((rule, index) => ruleIntent(state, tenantName, rule, `r${index}`)),
  )
  const records = intents.map(ruleRecord)
  const tenants = [...state.tenants].map(([name, { defaultAction: _, ...rest }], index): [string, TenantRecord] => {
    const denies = tenantDefaults[index % tenantDefaults.length] === 'deny'
    return [name, { ...rest, ...(denies ? { defaultAction: 'deny' } : {}) }]
  })
  return {
    ...state,
    tenants: new Map(tenants),
    groups,
    endpoints: new Map(endpoints.map((record) => [record.endpointId, record])),
    objects: {
      ...state.objects,
      policy: new Map(
        records.map(({ tenantName, policyName }) => [`${tenantName}:${policyName}`, { tenantName, policyName }]),
      ),
      rule: new Map(records.map((rule) => [`${rule.tenantName}:${rule.policyName}:${rule.ruleId}`, rule])),
    },
  }
}

function joined(record: EndpointRecord, groups: ReadonlyMap<string, GroupRecord>, choice: number): EndpointRecord {
  const name = groupNames[choice - 1]
  if (name === undefined) return record
  const groupName = `${record.networkName}-${name}`
  return { ...record, groupName, groupId: groups.get(`${record.tenantName}:${groupName}`)?.groupId ?? 0 }
}

function ruleIntent(state: ClusterState, tenantName: string, choice: RuleChoice, id: string): RuleIntent {
  const { direction, action, priority, protocol, port, ports, pick } = choice
  const networks = [...state.networks.values()].filter((network) => network.tenantName === tenantName)
  const network = networks[pick % Math.max(networks.length, 1)]?.networkName ?? ''
  const group = network === '' ? '' : `${network}-${groupNames[pick % groupNames.length]}`
  const address = addresses[pick % addresses.length] ?? ''
  const side = direction === 'in' ? 'from' : 'to'
  return {
    policy: `${tenantName}:${policyNames[choice.policy]}`,
    id,
    direction,
    action,
    priority,
    protocol,
    ...(action === 'deny' && choice.cuts ? { established: 'drop' } : {}),
    ...(action === 'deny' && choice.logs ? { log: true } : {}),
    ...(ports === '' ? { port } : { ports }),
    ...(choice.remote.includes('group') ? { [`${side}EndpointGroup`]: group } : {}),
    ...(choice.remote.includes('address') ? { [`${side}IpAddress`]: address } : {}),
    ...(choice.remote === 'network' ? { [`${side}Network`]: network } : {}),
    ...(choice.target && direction === 'in' ? { toIpAddress: targets[pick % targets.length] ?? '' } : {}),
  }
}
