// NodeNetwork + facts -> flows, grouped by the object that owns them. A pure function in meaning; the `Renderer`
// remembers each owner's flows and gives the same array back while its inputs are the same, so that a planner can skip
// what did not change by comparing references.

import type { Flow } from '../../protocols/openflow/index.ts'
import type { NetworkView, NodeNetwork } from '../compile/node-network.ts'
import type { NodePolicy } from '../compile/node-policy.ts'
import { finishedByAgent } from './advertisements.ts'
import { portNames, type SwitchFacts } from './facts.ts'
import { baseFlows } from './features/base.ts'
import { localEndpointFlows, remoteEndpointFlows } from './features/endpoint.ts'
import { answerFlows, namesFlows } from './features/names.ts'
import { type BroadcastDomain, networkFlows } from './features/network.ts'
import { groupFlows, memberFlows, policyFlows } from './features/policy.ts'
import { ruleFlows } from './features/rules.ts'
import { peerFlows } from './features/tunnel.ts'

/** Flows by owner: `base`, `names`, `peer <vtep>`, `network <key>`, `endpoint <id>`, and of policies. Arrays are never changed. */
export type FlowSets = ReadonlyMap<string, readonly Flow[]>

interface Remembered {
  readonly inputs: readonly unknown[]
  readonly flows: readonly Flow[]
}

export class Renderer {
  #remembered = new Map<string, Remembered>()

  render(network: NodeNetwork, facts: SwitchFacts): FlowSets {
    const remembered = new Map<string, Remembered>()
    const sets = new Map<string, readonly Flow[]>()
    /** Renders unless every input is identical to last time's. */
    const own: Own = (owner, inputs, render) => {
      const before = this.#remembered.get(owner)
      const known = before !== undefined && sameInputs(before.inputs, inputs)
      const make = () => (facts.agentAdvertises === true ? render().map(finishedByAgent) : render())
      const entry = known ? before : { inputs, flows: make() }
      remembered.set(owner, entry)
      if (entry.flows.length > 0) sets.set(owner, entry.flows)
    }

    const vxlan = facts.ofPorts.get(portNames.vxlan)
    const uplink = facts.ofPorts.get(portNames.uplink)
    const host = facts.ofPorts.get(portNames.host)
    const { pvtSubnet } = network
    own('base', [], baseFlows)
    if (host !== undefined) own('names', [pvtSubnet, host], () => namesFlows(pvtSubnet, host))
    if (vxlan !== undefined) {
      for (const peer of network.peers) own(`peer ${peer}`, [vxlan], () => peerFlows(peer, vxlan))
    }
    const nameservers = facts.nameservers.join(' ')
    const domains = broadcastDomains(network, facts)
    for (const view of network.networks.values()) {
      const domain = domains.get(view.networkId) ?? { localPorts: [], guarded: new Map(), vteps: [] }
      const reach = [domain.localPorts, [...domain.guarded].flat(), domain.vteps]
        .map((list) => list.join(' '))
        .join(' / ')
      own(`network ${view.key}`, [view, vxlan, uplink, reach, nameservers], () =>
        networkFlows(view, { vxlan, uplink }, domain, facts.nameservers),
      )
    }
    for (const endpoint of network.local.values()) {
      const port = facts.ofPorts.get(endpoint.portName)
      if (port === undefined) continue
      own(`endpoint ${endpoint.endpointId}`, [endpoint, port, pvtSubnet, host], () => [
        ...localEndpointFlows(endpoint, port),
        ...(host === undefined ? [] : answerFlows(endpoint, port, pvtSubnet)),
      ])
    }
    for (const endpoint of network.remote.values()) {
      own(`endpoint ${endpoint.endpointId}`, [endpoint, vxlan], () => remoteEndpointFlows(endpoint, vxlan))
    }
    if (network.policy !== undefined) renderPolicy(network.policy, own)
    this.#remembered = remembered
    return sets
  }
}

type Own = (owner: string, inputs: readonly unknown[], render: () => readonly Flow[]) => void

/** No flow of one owner has the match and priority of another's: levels differ in priority or table. */
function renderPolicy({ groups, levels, members }: NodePolicy, own: Own): void {
  own('policy', [], policyFlows)
  for (const group of groups) own(`policy group ${group.groupId}`, [group], () => groupFlows(group))
  for (const level of levels) own(`policy ${level.name}`, [level], () => ruleFlows(level))
  for (const member of members.values()) own(`policy member ${member.endpointId}`, [member], () => memberFlows(member))
}

function sameInputs(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((value, index) => value === b[index])
}

/** Local ports and remote tunnel ends of each bridged network, by network id. */
function broadcastDomains(network: NodeNetwork, facts: SwitchFacts): ReadonlyMap<number, BroadcastDomain> {
  const ports = new Map<number, number[]>()
  const guarded = new Map<number, [port: number, groupId: number][]>()
  const groups = new Set(network.policy?.groups.map(({ groupId }) => groupId))
  const vteps = new Map<number, Set<string>>()
  const bridged = (endpoint: { readonly network: NetworkView }) => !endpoint.network.routed
  for (const endpoint of network.local.values()) {
    const port = facts.ofPorts.get(endpoint.portName)
    if (!bridged(endpoint) || port === undefined) continue
    appendTo(ports, endpoint.network.networkId, port)
    if (groups.has(endpoint.groupId)) appendTo(guarded, endpoint.network.networkId, [port, endpoint.groupId])
  }
  for (const endpoint of network.remote.values()) {
    if (!bridged(endpoint) || endpoint.vtep === '') continue
    const id = endpoint.network.networkId
    vteps.set(id, (vteps.get(id) ?? new Set<string>()).add(endpoint.vtep))
  }
  const domains = new Map<number, BroadcastDomain>()
  for (const id of new Set([...ports.keys(), ...vteps.keys()])) {
    domains.set(id, {
      localPorts: (ports.get(id) ?? []).sort((a, b) => a - b),
      guarded: new Map((guarded.get(id) ?? []).sort(([a], [b]) => a - b)),
      vteps: [...(vteps.get(id) ?? [])].sort(),
    })
  }
  return domains
}

function appendTo<T>(map: Map<number, T[]>, key: number, value: T): void {
  const list = map.get(key)
  if (list === undefined) map.set(key, [value])
  else list.push(value)
}
