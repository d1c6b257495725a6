// Truth tables: random sets of policies on containers of three hosts, and for each set every connection there could be
// tried with real packets. What opens is what the reference evaluator says, without exception.
//
// TRUTH_SETS says how many sets in each mode, TRUTH_SEED which one to begin with: one alone is TRUTH_SETS=1 TRUTH_SEED=n.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import type { ClusterState, EndpointRecord, RuleRecord } from '../../src/model/state.ts'
import { policiesOn } from '../properties/arbitrary-policy.ts'
import { clusterState } from '../support/cluster.ts'
import { startContainers } from '../support/containers.ts'
import { labSkip, type TestLab, type TestLabOptions, withLab } from '../support/lab.ts'
import { LabNetmaster, namespaceOf } from '../support/policy-lab.ts'
import { Prober, type Seat, type Service } from '../support/prober.ts'
import { assertTable, deniedShare, type Tried, truthTable, tryAll, withAddresses } from '../support/truth-table.ts'

interface Mode {
  readonly title: string
  readonly lab: TestLabOptions
  readonly encap: 'vxlan' | 'vlan'
}

const modes: readonly Mode[] = [
  { title: 'VXLAN, routing', lab: { name: 'truthr', hosts: 3 }, encap: 'vxlan' },
  { title: 'VLAN, bridge', lab: { name: 'truthb', hosts: 3, netMode: 'vlan' }, encap: 'vlan' },
]

const sets = Number(process.env.TRUTH_SETS ?? 100)
const firstSeed = Number(process.env.TRUTH_SEED ?? 1)

/** Networks as the random rules know them; both tenants have the first one's addresses. */
const networks = [
  { key: 'red:net1', number: 1, tag: 1001 },
  { key: 'red:net2', number: 2, tag: 1002 },
  { key: 'blue:net1', number: 1, tag: 1003 },
] as const

const groups = ['', 'web', 'db'] as const

/** Name, network, group (0 is none) and host. */
const members = [
  ['r1', 'red:net1', 1, 1],
  ['r2', 'red:net1', 2, 1],
  ['r3', 'red:net1', 1, 2],
  ['r4', 'red:net1', 2, 3],
  ['r5', 'red:net2', 1, 1],
  ['r6', 'red:net2', 2, 2],
  ['r7', 'red:net2', 0, 3],
  ['b1', 'blue:net1', 1, 2],
  ['b2', 'blue:net1', 2, 3],
] as const

const services: readonly Service[] = [
  { kind: 'tcp', port: 80 },
  { kind: 'tcp', port: 443 },
  { kind: 'tcp', port: 8000 },
  { kind: 'udp', port: 80 },
  { kind: 'udp', port: 443 },
  { kind: 'icmp', port: 0 },
]

for (const mode of modes) {
  test(`${mode.title}: what opens is what the policies say`, { skip: labSkip, timeout: 280_000 }, (t) =>
    withLab(mode.lab, (lab) => checkMode(t, lab, mode)),
  )
}

async function checkMode(t: TestContext, lab: TestLab, mode: Mode): Promise<void> {
  const netmaster = await LabNetmaster.connect(lab)
  try {
    await makeNetworks(lab, mode)
    await checkSets(t, lab, mode, netmaster)
  } finally {
    netmaster.close()
  }
}

async function checkSets(t: TestContext, lab: TestLab, mode: Mode, netmaster: LabNetmaster): Promise<void> {
  await netmaster.enforce(withoutRules(policiesOfSeed(bareCluster(mode), 0)))
  const seats = await sit(lab)
  const bare = withAddresses(bareCluster(mode), seats)
  const prober = new Prober([...seats.values()], services)
  const tried: Tried[] = []
  try {
    await t.test('without rules everything opens', async () => {
      tried.push(...(await tryAll(withoutRules(policiesOfSeed(bare, 0)), services, seats, prober)))
      assertTable(tried, 'without rules')
    })
    await t.test(`${sets} sets of policies from seed ${firstSeed}`, async (t) => {
      for (let seed = firstSeed; seed < firstSeed + sets; seed++) {
        const state = policiesOfSeed(bare, seed)
        await netmaster.enforce(state)
        const table = await tryAll(state, services, seats, prober)
        assertTable(table, again(mode, seed))
        tried.push(...table)
      }
      const denied = deniedShare(tried)
      t.diagnostic(`${tried.length} connections tried, ${Math.round(denied * 100)} % of them denied`)
      assert.ok(denied > 0.1, 'too little was denied')
    })
    await t.test('and nothing that was denied came later', () => assertTable(tried, 'late'))
  } finally {
    prober.close()
  }
}

function again(mode: Mode, seed: number): string {
  return `seed ${seed}: TRUTH_SEED=${seed} TRUTH_SETS=1 node --test --test-name-pattern='${mode.title}' test/system/truth.test.ts`
}

/** As netmaster will have it; what only it knows (ids, MACs) no rule is about. */
function bareCluster({ encap }: Mode): ClusterState {
  const counts = new Map<string, number>()
  return clusterState({
    tenants: ['red', 'blue'],
    networks: networks.map(({ key, number, tag }) => ({
      key,
      encap: encap === 'vlan' ? { kind: 'vlan', vlan: tag } : { kind: 'vxlan', vni: tag },
      subnet: `10.${number}.0.0/24`,
      gateway: `10.${number}.0.254`,
      ipv6Subnet: `2001:db8:${number}::/64`,
      ipv6Gateway: `2001:db8:${number}::fe`,
    })),
    endpoints: members.map(([id, network, , host]) => {
      const number = networks.find(({ key }) => key === network)?.number
      const own = (counts.get(network) ?? 0) + 1
      counts.set(network, own)
      return {
        id,
        network,
        node: `node${host}`,
        ipv4: `10.${number}.0.${own}`,
        ipv6: `2001:db8:${number}::${own}`,
      }
    }),
    nodes: [1, 2, 3].map((host) => ({ node: `node${host}` })),
  })
}

/** Of a few, those that come nearest to denying half of everything. */
function policiesOfSeed(bare: ClusterState, seed: number): ClusterState {
  const membership = members.map(([, , group]) => group)
  const few = fc.sample(policiesOn(bare, membership), { numRuns: 6, seed })
  const distance = new Map(few.map((state) => [state, Math.abs(deniedShare(truthTable(state, services)) - 0.5)]))
  const [state] = few.sort((a, b) => (distance.get(a) ?? 1) - (distance.get(b) ?? 1))
  assert.ok(state)
  const rules = [...state.objects.rule].map(([key, rule]) => [key, withLegalTarget(state, rule)] as const)
  return { ...state, objects: { ...state.objects, rule: new Map(rules) } }
}

/** An incoming rule for one member is taken of a policy that one group has, when it has that member. */
function withLegalTarget(state: ClusterState, rule: RuleRecord): RuleRecord {
  const users = [...state.groups.values()].filter(
    ({ tenantName, policies }) => tenantName === rule.tenantName && policies.includes(rule.policyName),
  )
  const isMember = ({ ipv4, groupId }: EndpointRecord) =>
    users.length === 1 && groupId === users[0]?.groupId && ipv4 === rule.toIpAddress
  const isLegal = rule.direction === 'out' || [...state.endpoints.values()].some(isMember)
  return isLegal ? rule : { ...rule, toIpAddress: '' }
}

function withoutRules(state: ClusterState): ClusterState {
  return { ...state, objects: { ...state.objects, rule: new Map() } }
}

async function makeNetworks(lab: TestLab, { encap }: Mode): Promise<void> {
  for (const tenant of ['red', 'blue']) await lab.execOk('node1', `netctl tenant create ${tenant}`)
  for (const { key, number, tag } of networks) {
    const [tenant, name] = key.split(':')
    const ipv4 = `--subnet 10.${number}.0.0/24 --gateway 10.${number}.0.254`
    const ipv6 = `--subnetv6 2001:db8:${number}::/64 --gatewayv6 2001:db8:${number}::fe`
    await lab.execOk('node1', `netctl net create -t ${tenant} -e ${encap} ${name} ${ipv4} ${ipv6} --pkt-tag ${tag}`)
  }
}

async function sit(lab: TestLab): Promise<ReadonlyMap<string, Seat>> {
  const bare = bareCluster(modes[0]!)
  const specs = members.map(([name, key, group, host]) => {
    const [tenant, network] = key.split(':')
    const { ipv4 = '' } = bare.endpoints.get(name) ?? {}
    return {
      name,
      host: `node${host}`,
      network: group === 0 ? `${network}/${tenant}` : `${network}-${groups[group]}.${network}/${tenant}`,
      options: ['--ip', ipv4],
      command: ['sleep', '1000'],
    }
  })
  const containers = await startContainers(lab, specs)
  return new Map(
    containers.map((container) => {
      const { ipv4, ipv6 } = container
      return [container.name, { name: container.name, namespace: namespaceOf(lab, container), ipv4, ipv6 }]
    }),
  )
}
