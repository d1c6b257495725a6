// NodeNetwork + facts -> flows, grouped by the object that owns them. A pure function in meaning; the `Renderer`
// remembers what it made and gives the same arrays back while their inputs are the same, so that a planner can skip
// what did not change by comparing references.

import { sameEntries, sameItems } from '../../lib/same.ts'
import type { Flow } from '../../protocols/openflow/index.ts'
import type { NodeNetwork } from '../compile/node-network.ts'
import type { NodePolicy } from '../compile/node-policy.ts'
import { finishedByAgent } from './advertisements.ts'
import { Domains, textOf } from './domains.ts'
import { defaultOutsideSubnet, portNames, type SwitchFacts } from './facts.ts'
import { baseFlows } from './features/base.ts'
import { cuttingFlows, logFlows, logMeters } from './features/denied.ts'
import { localEndpointFlows, remoteEndpointFlows } from './features/endpoint.ts'
import { hasMembershipMeters, multicastFlows, groupFlows as multicastGroupFlows } from './features/multicast.ts'
import { answerFlows, namesFlows } from './features/names.ts'
import { networkFlows } from './features/network.ts'
import { innerFlows, leadsOut, outsideEndpointFlows, outsideFlows, wayOutFlows } from './features/outside.ts'
import { groupFlows, memberFlows, policyFlows } from './features/policy.ts'
import { hasRefusalMeter, metersOf } from './features/profile.ts'
import { LevelCounts } from './features/rule-count.ts'
import { LevelFlows } from './features/rules.ts'
import { answeringFlows, returningFlows, servedBy } from './features/service-answers.ts'
import { groupNumbers } from './features/service-groups.ts'
import { serviceFlows } from './features/services.ts'
import { tunnelStrangers, waryFlows, wireFlows } from './features/strangers.ts'
import { peerFlows } from './features/tunnel.ts'
import { FlowSets, type Section } from './flow-sets.ts'

interface Remembered {
  readonly inputs: readonly unknown[]
  readonly flows: readonly Flow[]
}

interface RememberedSection {
  readonly inputs: readonly unknown[]
  readonly owners: ReadonlyMap<string, Remembered>
  readonly section: Section
}

type Own = (owner: string, inputs: readonly unknown[], render: () => readonly Flow[]) => void

/** No flow of one owner has the match and priority of another's. */
export class Renderer {
  #sections = new Map<string, RememberedSection>()
  #levels = new Map<string, LevelFlows>()
  #counted: NodePolicy['levels'] | undefined
  #counts = new Map<string, { readonly level: LevelCounts; readonly section: Section }>()
  #last = new FlowSets(new Map())

  /**
   * The same object when nothing changed. `counts: 'later'`: flows that only count stay as they were in the last call; they are
   * as many as there are rules, and nobody waits for them.
   */
  render(
    network: NodeNetwork,
    facts: SwitchFacts,
    { counts = 'now' }: { readonly counts?: 'now' | 'later' } = {},
  ): FlowSets {
    const remembered = new Map<string, RememberedSection>()
    const sections = new Map<string, Section>()
    const { agentAdvertises = false } = facts
    /** Looks at its owners unless all inputs are identical to last time's, and renders those of which an input is not. */
    const part = (name: string, inputs: readonly unknown[], fill: (own: Own) => void) => {
      const before = this.#sections.get(name)
      const all = [agentAdvertises, ...inputs]
      const entry =
        before !== undefined && sameItems(before.inputs, all)
          ? before
          : { inputs: all, ...renderSection(before, agentAdvertises, fill) }
      remembered.set(name, entry)
      sections.set(name, entry.section)
    }
    renderNetworks(network, facts, part)
    renderEndpoints(network, facts, part)
    renderServices(network, facts, part)
    renderOutside(network, facts, part)
    if (network.policy !== undefined) renderPolicy(network.policy, facts, part)
    this.#sections = remembered
    for (const [name, section] of this.#renderLevels(network.policy)) sections.set(name, section)
    if (counts === 'now') this.#renderCounts(network.policy)
    for (const [name, { section }] of this.#counts) sections.set(`policy counts ${name}`, section)
    if (!sameEntries(this.#last.sections, sections)) this.#last = new FlowSets(sections)
    return this.#last
  }

  /** Whether flows that only count are not yet what they must be for these rules. */
  isUncounted(policy: NodePolicy | undefined): boolean {
    return this.#counted !== policy?.levels
  }

  /** Levels differ in priority or table. */
  #renderLevels(policy: NodePolicy | undefined): ReadonlyMap<string, Section> {
    const levels = new Map<string, LevelFlows>()
    const sections = new Map<string, Section>()
    for (const level of policy?.levels ?? []) {
      const flows = this.#levels.get(level.name) ?? new LevelFlows()
      levels.set(level.name, flows)
      sections.set(`policy ${level.name}`, flows.update(level))
    }
    this.#levels = levels
    return sections
  }

  /** What denies is counted by its own flows. */
  #renderCounts(policy: NodePolicy | undefined): void {
    this.#counted = policy?.levels
    const counts = new Map<string, { readonly level: LevelCounts; readonly section: Section }>()
    for (const level of policy?.levels ?? []) {
      if (level.action === 'deny') continue
      const known = this.#counts.get(level.name)?.level ?? new LevelCounts()
      counts.set(level.name, { level: known, section: known.update(level) })
    }
    this.#counts = counts
  }
}

type Part = (name: string, inputs: readonly unknown[], fill: (own: Own) => void) => void

function renderSection(
  before: RememberedSection | undefined,
  agentAdvertises: boolean,
  fill: (own: Own) => void,
): Pick<RememberedSection, 'owners' | 'section'> {
  const owners = new Map<string, Remembered>()
  const section = new Map<string, readonly Flow[]>()
  let changed = before === undefined
  fill((owner, inputs, render) => {
    const all = [agentAdvertises, ...inputs]
    const last = before?.owners.get(owner)
    const known = last !== undefined && sameItems(last.inputs, all)
    const make = () => (agentAdvertises ? render().map(finishedByAgent) : render())
    const entry = known ? last : { inputs: all, flows: make() }
    changed ||= !known
    owners.set(owner, entry)
    if (entry.flows.length > 0) section.set(owner, entry.flows)
  })
  if (before !== undefined && !changed && owners.size === before.owners.size) {
    return { owners: before.owners, section: before.section }
  }
  return { owners, section }
}

function renderNetworks(network: NodeNetwork, facts: SwitchFacts, part: Part): void {
  const vxlan = facts.ofPorts.get(portNames.vxlan)
  const uplink = facts.ofPorts.get(portNames.uplink)
  const host = facts.ofPorts.get(portNames.host)
  const nameservers = facts.nameservers.join(' ')
  const { pvtSubnet, networks, local, remote, policy, multicast } = network
  part('host', [pvtSubnet, host, vxlan, network.peers.join(' ')], (own) => {
    own('base', [], baseFlows)
    if (host !== undefined) own('names', [pvtSubnet, host], () => namesFlows(pvtSubnet, host))
    if (vxlan === undefined) return
    for (const peer of network.peers) own(`peer ${peer}`, [vxlan], () => peerFlows(peer, vxlan))
  })
  const { ofPorts } = facts
  const domains = new Domains(network, facts)
  const common = [networks, local, remote, policy?.groups, ofPorts]
  part('networks', [...common, nameservers], (own) => {
    for (const view of networks.values()) {
      const domain = domains.of(view)
      own(`network ${view.key}`, [view, vxlan, uplink, textOf(domain), nameservers], () =>
        networkFlows(view, { vxlan, uplink }, domain, facts.nameservers),
      )
    }
  })
  const limited = hasMembershipMeters(facts)
  part('multicast', [...common, multicast, limited], (own) => {
    for (const view of networks.values()) {
      const domain = domains.of(view)
      const known = multicast.get(view.key)
      const everything = known && domains.receiving(known.everything)
      const groups = { network: view, ports: { vxlan, uplink }, domain, everything, limited }
      own(`multicast ${view.key}`, [view, vxlan, uplink, textOf(domain), limited, JSON.stringify(everything)], () =>
        multicastFlows(groups),
      )
      const guarded = [...domain.guarded].join(' ')
      for (const [group, members] of known?.groups ?? []) {
        const to = domains.receiving(members, everything)
        own(`multicast ${view.key} ${group}`, [view, vxlan, uplink, guarded, JSON.stringify(to)], () =>
          multicastGroupFlows(groups, group, to),
        )
      }
    }
  })
}

function renderEndpoints({ pvtSubnet, local, remote }: NodeNetwork, facts: SwitchFacts, part: Part): void {
  const { ofPorts, maxMeter } = facts
  const vxlan = ofPorts.get(portNames.vxlan)
  const host = ofPorts.get(portNames.host)
  part('endpoints here', [local, ofPorts, pvtSubnet, maxMeter], (own) => {
    for (const endpoint of local.values()) {
      const port = ofPorts.get(endpoint.portName)
      if (port === undefined) continue
      own(`endpoint ${endpoint.endpointId}`, [endpoint, port, pvtSubnet, host, maxMeter], () => [
        ...localEndpointFlows(endpoint, port, metersOf(endpoint, port, facts)),
        ...(host === undefined ? [] : answerFlows(endpoint, port, pvtSubnet)),
      ])
    }
  })
  part('endpoints elsewhere', [remote, vxlan], (own) => {
    for (const endpoint of remote.values()) {
      own(`endpoint ${endpoint.endpointId}`, [endpoint, vxlan], () => remoteEndpointFlows(endpoint, vxlan))
    }
  })
}

function renderServices({ services, local }: NodeNetwork, facts: SwitchFacts, part: Part): void {
  const { ofPorts } = facts
  const limited = hasRefusalMeter(facts)
  part('services', [services, local, ofPorts, limited], (own) => {
    const numbers = groupNumbers(services.values())
    for (const service of services.values()) {
      const concerned = [...service.providers, ...service.draining, ...(service.probed?.candidates ?? [])]
      const here = new Set(concerned.flatMap(({ endpointId }) => (local.has(endpointId) ? [endpointId] : [])))
      const groups = numbers.get(service.key) ?? new Map()
      const inputs = [service, [...here].join(' '), [...groups.values()].join(' '), limited]
      own(`service ${service.key}`, inputs, () => serviceFlows(service, groups, { here, limited }))
    }
    for (const [key, served] of servedBy(services.values())) {
      own(`provider ${key}`, [served.provider, served.network, served.portsText], () => answeringFlows(served))
      const port = ofPorts.get(local.get(served.provider.endpointId)?.portName ?? '')
      if (port !== undefined) own(`provider ${key} here`, [port], () => returningFlows(port))
    }
  })
}

function renderOutside({ outside, networks, local }: NodeNetwork, facts: SwitchFacts, part: Part): void {
  const { ofPorts, outsideSubnet: subnet = defaultOutsideSubnet } = facts
  const way = ofPorts.get(portNames.outside)
  if (outside === undefined || way === undefined) return
  part('outside', [outside, networks, subnet, way], (own) => {
    own('outside', [subnet, way], () => outsideFlows(subnet, way))
    for (const [tenantId, subnets] of outside.inner) {
      own(`outside of tenant ${tenantId}`, [subnets.join(' ')], () => innerFlows(tenantId, subnets))
    }
    for (const view of networks.values()) {
      if (view.nat) own(`outside of network ${view.key}`, [view, way], () => wayOutFlows(view, way))
    }
  })
  part('endpoints outside', [local, ofPorts, subnet], (own) => {
    for (const endpoint of local.values()) {
      const port = ofPorts.get(endpoint.portName)
      if (port === undefined || !leadsOut(endpoint)) continue
      const place = { port, subnet, outside: way }
      own(`endpoint ${endpoint.endpointId} outside`, [endpoint, port, subnet, way], () =>
        outsideEndpointFlows(endpoint, place),
      )
    }
  })
}

function renderPolicy(policy: NodePolicy, facts: SwitchFacts, part: Part): void {
  const { groups, levels, members, cutting, wary, wire } = policy
  part('policy', [groups], (own) => {
    own('policy', [], policyFlows)
    for (const group of groups) own(`policy group ${group.groupId}`, [group], () => groupFlows(group))
  })
  part('policy denied', [cutting, levels, facts.maxMeter], (own) => {
    for (const group of cutting) own(`policy cutting group ${group.groupId}`, [group], () => cuttingFlows(group))
    const meters = logMeters(policy, facts)
    const logs = levels.some((level) => level.logs)
    if (logs) own('policy log', [meters.length], () => logFlows(meters))
  })
  part('policy strangers', [wary, wire], (own) => {
    if (wary.some(({ incoming }) => incoming)) own('policy strangers', [], tunnelStrangers)
    for (const group of wary) {
      const { groupId, incoming, outgoing } = group
      own(`policy wary group ${groupId}`, [groupId, incoming, outgoing], () => waryFlows(group))
    }
    for (const addresses of wire) own(`policy wire ${addresses.tenantId}`, [addresses], () => wireFlows(addresses))
  })
  part('policy members', [members], (own) => {
    for (const member of members.values()) {
      own(`policy member ${member.endpointId}`, [member], () => memberFlows(member))
    }
  })
}
