// Hosts hear of a new endpoint one after the other. Whoever has not heard yet passes nothing that the policy denies; what he
// holds up meanwhile does no harm.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Journey, World, type WorldHost } from '../../src/core/pipeline/simulate/world.ts'
import { evaluatePolicy } from '../../src/core/policy/evaluate.ts'
import type { ClusterState, EndpointRecord, GroupRecord } from '../../src/model/state.ts'
import { type RuleIntent, ruleRecord } from '../support/cluster.ts'
import { openings, sentBy } from '../support/openings.ts'
import { numberedHosts } from './arbitrary-cluster.ts'
import { clusterWithPolicies } from './arbitrary-policy.ts'

interface Lateness {
  /** For each endpoint in order: whether it is new. */
  readonly news: readonly boolean[]
  /** For each node in order: whether it has not heard of new endpoints elsewhere. */
  readonly late: readonly boolean[]
  /** For each endpoint in order: whether its address belonged to somebody on another host a moment ago. */
  readonly reused: readonly boolean[]
  /** For each group in order: whether rules deny it, as sender and as receiver. */
  readonly feared: readonly boolean[]
}

const flags = (length: number) => fc.array(fc.boolean(), { minLength: length, maxLength: length })
const lateness: fc.Arbitrary<Lateness> = fc.record({
  news: flags(8),
  late: flags(3),
  reused: flags(8),
  feared: flags(10),
})

/** Every group has rules that deny some of the others by name, and every endpoint is in a group. */
function fearful(state: ClusterState, { feared }: Lateness): ClusterState {
  const groups = [...state.groups.values()]
  const rules = groups.flatMap(({ tenantName, groupName }, index) => {
    const rule = { policy: `${tenantName}:fear`, action: 'deny', priority: 50 } as const
    const sender: RuleIntent = { ...rule, id: `i${index}`, direction: 'in', fromEndpointGroup: groupName }
    const receiver: RuleIntent = { ...rule, id: `o${index}`, direction: 'out', toEndpointGroup: groupName }
    return feared[index] === true ? [index % 3 === 0 ? receiver : sender] : []
  })
  const records = [...state.objects.rule.values(), ...rules.map(ruleRecord)]
  const endpoints = [...state.endpoints.values()].map((record, index) => {
    const own = groups.filter((group) => isOf(group, record))
    const { groupName = '', groupId = 0 } = own[index % own.length] ?? {}
    return { ...record, groupName, groupId }
  })
  return {
    ...state,
    groups: new Map(
      groups.map((group) => [
        `${group.tenantName}:${group.groupName}`,
        { ...group, policies: [...group.policies, 'fear'] },
      ]),
    ),
    endpoints: new Map(endpoints.map((record) => [record.endpointId, record])),
    objects: {
      ...state.objects,
      rule: new Map(records.map((rule) => [`${rule.tenantName}:${rule.policyName}:${rule.ruleId}`, rule])),
    },
  }
}

function isOf(group: GroupRecord, { tenantName, networkName }: EndpointRecord): boolean {
  return group.tenantName === tenantName && group.networkName === networkName
}

/** What a late node takes the cluster for. */
function stateOf(state: ClusterState, node: string, { news, reused }: Lateness): ClusterState {
  const endpoints = [...state.endpoints.values()].flatMap((record, index): EndpointRecord[] => {
    if (news[index] !== true || record.node === node) return [record]
    const former = reused[index] === true ? formerOwner(state, record, node) : undefined
    return former === undefined ? [] : [former]
  })
  return { ...state, endpoints: new Map(endpoints.map((record) => [record.endpointId, record])) }
}

/** Of another group, on a third node. On a wire nothing tells nodes apart: there netmaster waits before it gives an address again. */
function formerOwner(state: ClusterState, record: EndpointRecord, node: string): EndpointRecord | undefined {
  const network = state.networks.get(`${record.tenantName}:${record.networkName}`)
  const third = [...state.nodes.keys()].find((name) => name !== node && name !== record.node)
  const group = [...state.groups.values()].find((other) => isOf(other, record) && other.groupName !== record.groupName)
  if (network?.encap.kind !== 'vxlan' || third === undefined || group === undefined) return undefined
  const { groupName, groupId } = group
  return { ...record, endpointId: `before ${record.endpointId}`, node: third, groupName, groupId }
}

function hostsOf(state: ClusterState, choice: Lateness): WorldHost[] {
  return numberedHosts(state).map((host, index) =>
    choice.late[index] === true ? { ...host, state: stateOf(state, host.node, choice) } : host,
  )
}

const seen = { held: 0, stopped: 0, passed: 0 }

function check(world: World, from: EndpointRecord, to: EndpointRecord, isV6: boolean): void {
  for (const opening of openings(isV6)) {
    const [source, destination] = sentBy(world.state, from, to, isV6)
    const { protocol, port } = opening
    const asked = { source: source.ip, destination: destination.ip, protocol, port }
    const { allowed } = evaluatePolicy(world.state, { tenantName: from.tenantName, ...asked })
    const journey: Journey = world.send(from.endpointId, opening.first(source, destination))
    const heard = journey.deliveries.map((delivery) => delivery.to).filter((name) => world.state.endpoints.has(name))
    if (heard.length > 0) assert.ok(allowed, `${from.endpointId} to ${to.endpointId}\n${journey.trace.join('\n')}`)
    seen[heard.length > 0 ? 'passed' : allowed ? 'held' : 'stopped']++
  }
}

test('hosts that have not heard of an endpoint yet pass nothing that is denied', () => {
  fc.assert(
    fc.property(clusterWithPolicies, lateness, (drawn, choice) => {
      const state = fearful(drawn, choice)
      const world = new World({ state, hosts: hostsOf(state, choice) })
      for (const from of state.endpoints.values()) {
        for (const to of state.endpoints.values()) {
          if (from === to || from.tenantName !== to.tenantName) continue
          world.forgetConnections()
          check(world, from, to, false)
          if (from.ipv6 !== '' && to.ipv6 !== '') check(world, from, to, true)
        }
      }
    }),
    { numRuns: Number(process.env.POLICY_RUNS ?? 100) },
  )
  const rich = seen.held > 100 && seen.stopped > 100 && seen.passed > 500
  assert.ok(rich, `too little was seen: ${JSON.stringify(seen)}`)
})
