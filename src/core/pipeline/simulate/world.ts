// Several simulated hosts and what is between them: tunnels by their ends' addresses, one trunk that all uplinks and the
// machines outside the cluster hang on. A packet sent somewhere is followed until it is delivered or dropped everywhere.

import { NetpluginError } from '../../../lib/errors.ts'
import type { ClusterState } from '../../../model/state.ts'
import { NodeCompiler } from '../../compile/compile-node.ts'
import type { KnownMembers } from '../../compile/node-multicast.ts'
import type { NodeNetwork } from '../../compile/node-network.ts'
import { portNames, type SwitchFacts } from '../facts.ts'
import { desiredGroups } from '../features/service-groups.ts'
import type { FlowSets } from '../flow-sets.ts'
import { tagged } from '../packets.ts'
import { refusalMark } from '../refusals.ts'
import { Renderer } from '../render.ts'
import { SimSwitch, simulate, type Verdict } from '../simulate.ts'
import type { Connections } from './connections.ts'
import { type SimPacket, withoutVlan, withVlan } from './packet.ts'

export interface WorldHost {
  readonly node: string
  /** OpenFlow port numbers: of endpoints by endpoint id, of the others by port name (`np-vxlan`, …). */
  readonly ports: Readonly<Record<string, number>>
  readonly nameservers: readonly string[]
  /** What the host has heard of, where that is not all: hosts hear of a change one after the other. */
  readonly state?: ClusterState
  /** Who listens to multicast groups, as far as the host knows. */
  readonly members?: KnownMembers
}

/** A machine of nobody's cluster, on a VLAN of the trunk. */
export interface Machine {
  readonly name: string
  readonly vlan: number
  readonly mac: string
  /** `a.b.c.d/len`. */
  readonly ipv4: string
}

export interface Delivery {
  /** An endpoint id, a machine's name, `host <node>`, `outside <node>`, or `agent <node>`; `nowhere <address>` for a tunnel end that nobody has. */
  readonly to: string
  readonly packet: SimPacket
}

export interface Journey {
  readonly deliveries: readonly Delivery[]
  /** `<node> <table>` for each switch that let nothing out. */
  readonly dropped: readonly string[]
  /** `<node> <line>` for each step. */
  readonly trace: readonly string[]
}

interface SimHost {
  readonly node: string
  readonly vtep: string
  readonly compiler: NodeCompiler
  readonly renderer: Renderer
  readonly network: NodeNetwork
  readonly facts: SwitchFacts
  readonly flows: FlowSets
  readonly sim: SimSwitch
  /** Endpoint ids by OpenFlow port. */
  readonly endpoints: ReadonlyMap<number, string>
}

/** A packet that came into a switch. */
export interface Step {
  readonly node: string
  readonly inPort: number
  readonly packet: SimPacket
}

interface Arrival {
  readonly host: SimHost
  readonly inPort: number
  readonly packet: SimPacket
}

const maximumHops = 1_000

export class World {
  readonly state: ClusterState
  readonly machines: ReadonlyMap<string, Machine>
  readonly #hosts: ReadonlyMap<string, SimHost>
  readonly #onStep: (step: Step) => void

  constructor(options: {
    readonly state: ClusterState
    readonly hosts: readonly WorldHost[]
    readonly machines?: readonly Machine[]
    /** Hears of every packet that enters a switch. */
    readonly onStep?: (step: Step) => void
    /** A world whose hosts had another state before: what did not change is not computed again. */
    readonly after?: World | undefined
    /** Whether its switches still know the connections they saw then. */
    readonly remember?: boolean
  }) {
    this.#onStep = options.onStep ?? (() => {})
    this.state = options.state
    this.machines = new Map((options.machines ?? []).map((machine) => [machine.name, machine]))
    const before = options.after === undefined ? undefined : options.after.#hosts
    this.#hosts = new Map(
      options.hosts.map((host) => {
        const former = before?.get(host.node)
        const connections = options.remember === true ? former?.sim.connections : undefined
        return [host.node, simHost(host.state ?? options.state, host, former, connections)]
      }),
    )
  }

  get nodes(): readonly string[] {
    return [...this.#hosts.keys()]
  }

  /** What the node was compiled to and what was rendered from it. */
  host(node: string): Pick<SimHost, 'network' | 'flows' | 'facts'> {
    const host = this.#hosts.get(node)
    if (host === undefined) throw unknown(`there is no host ${node}`)
    return host
  }

  /** Every switch forgets the connections it has seen. */
  forgetConnections(): void {
    for (const { sim } of this.#hosts.values()) sim.connections.forgetAll()
  }

  /** Sends from an endpoint (by id), from a machine (untagged, as it would), from `host <node>` or `outside <node>`. */
  send(from: string, packet: SimPacket): Journey {
    const machine = this.machines.get(from)
    if (machine !== undefined) {
      return this.#follow([], { deliveries: [], trunk: [withVlan(packet, machine.vlan)] }, from)
    }
    if (from.startsWith('host ')) return this.arrive(from.slice('host '.length), portNames.host, packet)
    if (from.startsWith('outside ')) return this.arrive(from.slice('outside '.length), portNames.outside, packet)
    const record = this.state.endpoints.get(from)
    if (record === undefined) throw unknown(`nobody is called ${from}`)
    return this.arrive(record.node, from, packet)
  }

  /** Puts a packet into a port of a node: an endpoint id, or a port name. A port without number carries nothing. */
  arrive(node: string, port: string, packet: SimPacket): Journey {
    const host = this.#hosts.get(node)
    if (host === undefined) throw unknown(`there is no host ${node}`)
    const inPort = host.facts.ofPorts.get(host.network.local.get(port)?.portName ?? port)
    if (inPort === undefined) return { deliveries: [], dropped: [], trace: [`${node} port ${port} has no number`] }
    return this.#follow([{ host, inPort, packet }], { deliveries: [], trunk: [] }, '')
  }

  #follow(arrivals: Arrival[], first: Sent, sender: string): Journey {
    const deliveries: Delivery[] = []
    const dropped: string[] = []
    const verdicts: { readonly node: string; readonly verdict: Verdict }[] = []
    const waiting = [...arrivals]
    const take = (sent: Sent, from: string) => {
      deliveries.push(...sent.deliveries)
      for (const packet of sent.trunk) {
        waiting.push(...this.#fromTrunk(packet, from))
        deliveries.push(...this.#toMachines(packet, from))
      }
    }
    take(first, sender)
    for (let hops = 0; ; hops++) {
      const arrival = waiting.shift()
      if (arrival === undefined) return journey(deliveries, dropped, verdicts)
      if (hops > maximumHops)
        throw new NetpluginError('internal', 'SIMULATE_LOOP', `a packet went around for ${maximumHops} hops`)
      const { host, inPort, packet } = arrival
      this.#onStep({ node: host.node, inPort, packet })
      const verdict = simulate(host.sim, { inPort, packet })
      verdicts.push({ node: host.node, verdict })
      if (verdict.dropped !== undefined) dropped.push(`${host.node} ${verdict.dropped}`)
      for (const output of verdict.outputs) {
        if (output.port === 'controller') {
          if (output.userdata === refusalMark)
            deliveries.push({ to: `agent ${host.node}`, packet: withoutTunnel(output.packet) })
          continue
        }
        const next = this.#leave(host, Number(output.port), output.packet)
        if ('host' in next) waiting.push(next)
        else take(next, host.node)
      }
    }
  }

  #leave(host: SimHost, port: number, packet: SimPacket): Arrival | Sent {
    const { ofPorts } = host.facts
    if (port === ofPorts.get(portNames.vxlan)) return this.#throughTunnel(host, packet)
    const plain = withoutTunnel(packet)
    if (port === ofPorts.get(portNames.uplink)) return { deliveries: [], trunk: [plain] }
    const endpoint = host.endpoints.get(port)
    const names = { host: portNames.host, outside: portNames.outside }
    const [side] = Object.entries(names).find(([, name]) => port === ofPorts.get(name)) ?? []
    const to = endpoint ?? (side === undefined ? `nowhere ${host.node} port ${port}` : `${side} ${host.node}`)
    return { deliveries: [{ to, packet: plain }], trunk: [] }
  }

  #throughTunnel(host: SimHost, packet: SimPacket): Arrival | Sent {
    const address = String(packet.tun_dst ?? '')
    for (const peer of this.#hosts.values()) {
      const inPort = peer.facts.ofPorts.get(portNames.vxlan)
      if (peer.vtep !== address || inPort === undefined) continue
      return { host: peer, inPort, packet: { ...packet, tun_src: host.vtep } }
    }
    return { deliveries: [{ to: `nowhere ${address}`, packet }], trunk: [] }
  }

  #fromTrunk(packet: SimPacket, sender: string): Arrival[] {
    const arrivals: Arrival[] = []
    for (const host of this.#hosts.values()) {
      const inPort = host.facts.ofPorts.get(portNames.uplink)
      if (host.node !== sender && inPort !== undefined) arrivals.push({ host, inPort, packet })
    }
    return arrivals
  }

  #toMachines(packet: SimPacket, sender: string): Delivery[] {
    const deliveries: Delivery[] = []
    for (const machine of this.machines.values()) {
      const isTo = packet.eth_dst === machine.mac || isGroup(packet)
      if (machine.name === sender || packet.vlan_vid !== tagged(machine.vlan) || !isTo) continue
      deliveries.push({ to: machine.name, packet: withoutVlan(packet) })
    }
    return deliveries
  }
}

/** The trace is put together when it is read. */
function journey(
  deliveries: readonly Delivery[],
  dropped: readonly string[],
  verdicts: readonly { readonly node: string; readonly verdict: Verdict }[],
): Journey {
  return {
    deliveries,
    dropped,
    get trace() {
      return verdicts.flatMap(({ node, verdict }) => verdict.trace.map((line) => `${node} ${line}`))
    },
  }
}

/** What one output comes to: packets at their destination, and packets on the trunk. */
interface Sent {
  readonly deliveries: readonly Delivery[]
  readonly trunk: readonly SimPacket[]
}

function simHost(
  state: ClusterState,
  { node, ports, nameservers, members }: WorldHost,
  before: SimHost | undefined,
  connections: Connections | undefined,
): SimHost {
  const { compiler, renderer } = before ?? { compiler: new NodeCompiler(node), renderer: new Renderer() }
  const network = compiler.compile(state, undefined, members)
  const endpoints = new Map<number, string>()
  const ofPorts = new Map<string, number>()
  for (const [name, port] of Object.entries(ports)) {
    const endpoint = state.endpoints.get(name)
    ofPorts.set(network.local.get(name)?.portName ?? name, port)
    if (endpoint !== undefined) endpoints.set(port, name)
  }
  const facts = { ofPorts, nameservers }
  const flows = renderer.render(network, facts)
  const groups = desiredGroups(network.services).values()
  const sim = new SimSwitch({ flows: [...flows.values()].flat(), groups, connections })
  return { node, vtep: network.vtep, compiler, renderer, network, facts, flows, sim, endpoints }
}

function unknown(message: string): NetpluginError {
  return new NetpluginError('not-found', 'SIMULATE_UNKNOWN', message)
}

function withoutTunnel(packet: SimPacket): SimPacket {
  const { tun_id: _id, tun_src: _src, tun_dst: _dst, ...rest } = packet
  return rest
}

/** Multicast and broadcast. */
function isGroup(packet: SimPacket): boolean {
  return (Number.parseInt(String(packet.eth_dst ?? '0').slice(0, 2), 16) & 1) === 1
}
