// Policy at a size that no lab has: what it costs to work it out, without a switch.
//
//   node policy-core.ts RULES ENDPOINTS CHANGES        one JSON document

import { setImmediate as nextTurn } from 'node:timers/promises'
import { NodeCompiler } from '../../src/core/compile/compile-node.ts'
import { ruleFlows } from '../../src/core/pipeline/features/rules.ts'
import { FlowSets } from '../../src/core/pipeline/flow-sets.ts'
import { Renderer } from '../../src/core/pipeline/render.ts'
import { planFlowChanges } from '../../src/core/plan/flows.ts'
import { parseRuleAddress, rangeToBlocks } from '../../src/core/policy/address-set.ts'
import { applyChanges } from '../../src/model/apply-changes.ts'
import type { Change, ClusterState } from '../../src/model/state.ts'
import { clusterState, type RuleIntent, ruleRecord } from '../../test/support/cluster.ts'

export interface PolicyCoreTimes {
  /** From nothing to the list of modifications. */
  readonly allMs: number
  /** Resident memory after that, and after the changes: what is garbage then is not collected before it has to be. */
  readonly residentMiB: number
  readonly changedResidentMiB: number
  readonly flows: number
  /** The same of the processor alone. */
  readonly allCpuMs: number
  /** One rule changed: from the change to the list of modifications, milliseconds of each; and of the processor alone. */
  readonly changes: readonly number[]
  readonly changesCpu: readonly number[]
  readonly shapes: readonly RuleShape[]
}

/** Flows of one rule. */
export interface RuleShape {
  readonly sources: number
  readonly destinations: number
  readonly services: number
  readonly flows: number
}

const [rules = 75_000, endpoints = 100_000, changes = 500] = process.argv.slice(2).map(Number)
const hosts = 1_000
const node = 'node1'
const groups = Array.from({ length: 200 }, (_, index) => `g${index}`)

/** Who may reach a port: by address, by subnet, by group; one in ten from several addresses to a port of TCP and UDP. */
function rule(index: number, shift = 0): RuleIntent {
  const [high, middle, low] = [(index >> 16) & 15, (index >> 8) & 255, index & 255]
  const port = 1 + ((index * 7 + shift) % 60_000)
  const common = {
    policy: 'big:p',
    id: `r${index}`,
    direction: 'in',
    action: 'allow',
    priority: 1 + (index % 5),
    port,
  } as const
  if (index % 10 === 0) return { ...common, fromIpAddress: `172.16.${middle}.3-9` }
  if (index % 10 < 4) return { ...common, protocol: 'tcp', fromEndpointGroup: groups[index % groups.length] ?? '' }
  if (index % 10 < 6) return { ...common, protocol: 'tcp', fromIpAddress: `172.${16 + high}.${middle}.0/24` }
  return { ...common, protocol: 'tcp', fromIpAddress: `172.${16 + high}.${middle}.${low}` }
}

/** One tenant, its endpoints spread over all hosts and groups; half of the groups of this host have the policy. */
function cluster(): ClusterState {
  return clusterState({
    tenants: ['big'],
    networks: [{ key: 'big:net', subnet: '10.0.0.0/8', gateway: '10.255.255.254', encap: { kind: 'vxlan', vni: 7 } }],
    groups: groups.map((name, index) => ({ key: `big:${name}`, network: 'net', policies: index < 100 ? ['p'] : [] })),
    rules: Array.from({ length: rules }, (_, index) => rule(index)),
    endpoints: Array.from({ length: endpoints }, (_, index) => ({
      id: `ep${index}`,
      network: 'big:net',
      node: `node${1 + (index % hosts)}`,
      group: groups[Math.floor(index / hosts) % 2 === 0 ? 0 : index % groups.length] ?? '',
      ipv4: `10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}`,
    })),
    nodes: Array.from({ length: hosts }, (_, index) => ({
      node: `node${index + 1}`,
      vtep: `192.0.${2 + (index >> 8)}.${index & 255}`,
    })),
  })
}

async function measure(): Promise<PolicyCoreTimes> {
  let state = cluster()
  const ofPorts = new Map([
    ['np-vxlan', 1],
    ['np-host', 2],
  ])
  const compiler = new NodeCompiler(node)
  const renderer = new Renderer()
  let inForce = new FlowSets(new Map())
  // As in an agent: what only counts comes when rules are in force.
  const work = (counts: 'now' | 'later') => {
    const wanted = renderer.render(compiler.compile(state), { ofPorts, nameservers: [] }, { counts })
    const { length } = planFlowChanges(wanted, inForce, { remove: true })
    inForce = wanted
    return length
  }
  const begin = () => {
    const [at, cpu] = [performance.now(), process.cpuUsage()]
    return () => {
      const { user, system } = process.cpuUsage(cpu)
      return { ms: performance.now() - at, cpuMs: (user + system) / 1_000 }
    }
  }
  const first = begin()
  const flows = work('now')
  const all = first()
  const residentMiB = process.memoryUsage.rss() / 2 ** 20
  const times: { readonly ms: number; readonly cpuMs: number }[] = []
  // The first ones compile code.
  const warmUp = 50
  for (let index = 0; index < warmUp + changes; index++) {
    // As in an agent each change has its own turn; what is garbage goes then.
    await nextTurn()
    const value = ruleRecord(rule((index * 131) % rules, index + 1))
    const change: Change = { kind: 'rule', key: `big:p:${value.ruleId}`, value }
    state = applyChanges(state, index + 2, [change])
    const each = begin()
    if (work('later') === 0) throw new Error('a changed rule changed no flow')
    if (index >= warmUp) times.push(each())
    work('now')
  }
  return {
    allMs: all.ms,
    allCpuMs: all.cpuMs,
    residentMiB,
    changedResidentMiB: process.memoryUsage.rss() / 2 ** 20,
    flows,
    changes: times.map(({ ms }) => ms),
    changesCpu: times.map(({ cpuMs }) => cpuMs),
    shapes: [shape('10.9.0.1', 1), shape('10.9.0.1-6', 3), shape('10.9.0.1-254', 8), shape('10.9.0.1-254', 64)],
  }
}

/** A rule from addresses to groups, for one port of TCP and UDP. */
function shape(fromIpAddress: string, destinations: number): RuleShape {
  const names = Array.from({ length: destinations }, (_, index) => `g${index}`)
  const state = clusterState({
    tenants: ['one'],
    networks: [{ key: 'one:net', subnet: '10.0.0.0/8', gateway: '10.255.255.254', encap: { kind: 'vxlan', vni: 7 } }],
    groups: names.map((name) => ({ key: `one:${name}`, network: 'net', policies: ['p'] })),
    rules: [{ policy: 'one:p', id: 'r', direction: 'in', action: 'allow', port: 80, fromIpAddress }],
    endpoints: names.map((group, index) => ({
      id: group,
      network: 'one:net',
      node,
      group,
      ipv4: `10.1.0.${index + 1}`,
    })),
    nodes: [{ node, vtep: '192.0.2.1' }],
  })
  const { policy } = new NodeCompiler(node).compile(state)
  const flows = (policy?.levels ?? []).flatMap(ruleFlows)
  const sources = parseRuleAddress(fromIpAddress)?.ipv4.flatMap(rangeToBlocks).length ?? 0
  return { sources, destinations, services: 2, flows: flows.length }
}

process.stdout.write(JSON.stringify(await measure()))
