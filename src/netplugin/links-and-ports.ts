// Links of the host and ports of the switch, as a network needs them. Both sides are looked at, and nothing is done where
// neither they nor what is wanted of them have changed since they were found to be right.

import { type HostInterfaces, hostInterfaces } from '../core/compile/host-interfaces.ts'
import type { NodeNetwork, PortNames } from '../core/compile/node-network.ts'
import {
  desiredBridges,
  desiredHostPorts,
  desiredVeths,
  type NodeSettings,
  reservedVeths,
} from '../core/compile/node-ports.ts'
import { type DesiredHost, type HostPlanOptions, planHost } from '../core/plan/host.ts'
import type { BridgeFacts } from '../core/plan/switch-rows.ts'
import type { HostDriver } from '../drivers/host/host.ts'
import { sameItems } from '../lib/same.ts'
import type { ClusterState } from '../model/state.ts'
import { withoutLinks } from './own-node.ts'
import type { PortReserve } from './port-reserve.ts'
import type { SwitchLink } from './switch-link.ts'

interface Deps {
  readonly host: HostDriver
  readonly reserve: PortReserve
}

export interface Wanted {
  readonly state: ClusterState
  readonly network: NodeNetwork
  /** The network with endpoints that are gone and keep link and port a moment longer. */
  readonly carried: NodeNetwork
  readonly settings: NodeSettings
  /** False until the whole desired state is known: then nothing is removed for being absent from it. */
  readonly remove: boolean
  /** Whether the past is to be trusted less than usual. */
  readonly audit: boolean
  /** Whether what can wait is to be done now. */
  readonly tidy: boolean
  /** Called when links are there, before the switch is asked for ports: endpoints with a port need not wait for it. */
  readonly onLinks: (failed: Failures) => void
}

/** Why links could not be made, by name. */
export type Failures = ReadonlyMap<string, string>

export interface LinksAndPorts {
  readonly ports: BridgeFacts
  readonly failed: Failures
  readonly interfaces: HostInterfaces
}

/** What was found to be right, and what it was worked out from. */
interface Steady {
  readonly inputs: readonly unknown[]
  readonly made: LinksAndPorts
}

type Ports = Pick<SwitchLink, 'ports' | 'applyPorts'>

export class LinksAndPortsMaker {
  readonly #deps: Deps
  #steady: Steady | undefined
  /** Whether something had to be done on the host in this pass. */
  #changed = false

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** New links first, ports on them second; ports away first, links last. */
  async make(wanted: Wanted, link: Ports, signal: AbortSignal): Promise<LinksAndPorts> {
    const { audit, tidy, onLinks } = wanted
    const before = this.#inputs(wanted, link)
    const steady = this.#steady
    const mayStay = !audit && !tidy && !this.#deps.reserve.isLow
    if (mayStay && steady !== undefined && sameItems(steady.inputs, before)) {
      onLinks(steady.made.failed)
      return steady.made
    }
    this.#steady = undefined
    this.#changed = false
    const made = await this.#make(wanted, link, signal)
    if (!this.#changed && sameItems(before, this.#inputs(wanted, link))) this.#steady = { inputs: before, made }
    return made
  }

  async #make(wanted: Wanted, link: Ports, signal: AbortSignal): Promise<LinksAndPorts> {
    const { host, reserve } = this.#deps
    const { state, network, carried, settings, remove, audit, tidy, onLinks } = wanted
    const veths = desiredVeths(carried, settings)
    const failed = new Map(this.#applyHost({ veths, hostPorts: [] }, { remove: false }))
    const own = { state, settings, ofPorts: link.ports().ofPorts }
    const { refused } = hostInterfaces(network, { ...own, facts: host.facts() })
    for (const [name, reason] of refused) failed.set(name, reason)
    onLinks(failed)
    if (reserve.isLow || audit) reserve.fill()
    if (reserve.isLow || tidy) reserve.mark()
    const reserved = reservedVeths(reserve, settings)
    for (const [name, reason] of this.#applyHost({ veths: reserved, hostPorts: [] }, { remove: false })) {
      failed.set(name, reason)
    }
    const devices = host.facts().links
    const isMade = ({ portName }: PortNames) => !failed.has(portName)
    const [waiting, waitingForCni] = [reserve.waiting.filter(isMade), reserve.waitingForCni.filter(isMade)]
    const kept = { waiting, waitingForCni, unmarked: reserve.unmarked }
    const bridges = desiredBridges(withoutLinks(carried, failed), settings, kept)
    const ports = await link.applyPorts(bridges, { remove, devices }, signal)
    const facts = host.facts()
    const interfaces = hostInterfaces(network, { ...own, ofPorts: ports.ofPorts, facts })
    // Another's link of the same name is left alone.
    const ofHost = interfaces.ports.filter(({ name }) => ports.ofPorts.has(name))
    const hasIpv6 = facts.addresses.some(({ family }) => family === 6)
    const hostPorts = [...desiredHostPorts(network, settings, hasIpv6), ...ofHost]
    this.#applyHost({ veths: [...veths, ...reserved], hostPorts }, { remove })
    return { ports, failed, interfaces }
  }

  #applyHost(desired: DesiredHost, options: HostPlanOptions): Failures {
    const { host } = this.#deps
    const steps = planHost(desired, host.facts(), options)
    const failed = new Map<string, string>()
    if (steps.length === 0) return failed
    this.#changed = true
    for (const { step, error } of host.apply(steps)) {
      const isVeth = step.kind === 'create-veth' || step.kind === 'claim-veth'
      if (isVeth && error !== undefined) failed.set(step.name, error.message)
    }
    return failed
  }

  /** Everything that decides what links and ports there must be, and which there are; routes are left to the next audit. */
  #inputs({ state, network, carried, settings, remove }: Wanted, link: Ports): readonly unknown[] {
    const { links, farLinks, addresses } = this.#deps.host.facts()
    const { vtep, pvtSubnet, outside } = network
    const ofNetwork = [carried.local, vtep, pvtSubnet, outside === undefined]
    const facts = [links, farLinks, addresses, link.ports()]
    return [state.networks, state.nodes, ...ofNetwork, remove, ...Object.values(settings), ...facts]
  }
}
