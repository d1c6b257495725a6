// A scenario's folder: intent.json (what was asked for), facts.json (ports and nameservers of each host), probes.json
// (packets and what must become of them, written by hand), and what follows from them: network and flows of each node,
// and who reaches whom.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { KnownMembers } from '../../src/core/compile/node-multicast.ts'
import { isKept, macOfGroup } from '../../src/core/multicast/groups.ts'
import { hostMac, outsideMac, routerMac } from '../../src/core/pipeline/facts.ts'
import { resolverAddresses } from '../../src/core/pipeline/features/names.ts'
import {
  arpReply,
  arpRequest,
  type End,
  echoReply,
  echoRequest,
  ip,
  neighbourAdvertisement,
  neighbourSolicitation,
  redirect,
  routerAdvertisement,
  type SimPacket,
  sctp,
  tcp,
  udp,
} from '../../src/core/pipeline/simulate/packet.ts'
import { type Journey, type Machine, type Step, World, type WorldHost } from '../../src/core/pipeline/simulate/world.ts'
import type { HostMembers } from '../../src/model/multicast.ts'
import { clusterState, type Intent } from '../support/cluster.ts'

/** Who speaks from outside. */
const machineOutside = '203.0.113.7'

export interface Story {
  readonly name: string
  readonly folder: string
  readonly world: World
  readonly hosts: readonly WorldHost[]
  readonly probes: readonly Probe[]
}

interface StoryIntent extends Intent {
  readonly title: string
  readonly machines?: readonly Machine[]
}

type Facts = Readonly<Record<string, Omit<WorldHost, 'node' | 'members'> & { readonly members?: MembersFacts }>>

/** Who listens to multicast groups: endpoints by network and group, and what other hosts said, by network and host. */
interface MembersFacts {
  readonly here: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>
  readonly elsewhere: Readonly<Record<string, Readonly<Record<string, HostMembers>>>>
}

export interface Probe {
  readonly says: string
  /** An endpoint, a machine, `host <node>`, `outside <node>`, or `<node>/<port>` for a packet made up by hand. */
  readonly from: string
  readonly sends: PacketSpec
  /** Exactly who gets it, and fields it must have there. */
  readonly expect: readonly Expected[]
  /** `<node> <table>`, exactly, when given. */
  readonly dropped?: readonly string[]
  /** A second packet, by default sent by the first receiver in answer, and what becomes of that. */
  readonly then?: { readonly from?: string; readonly sends: PacketSpec; readonly expect: readonly Expected[] }
}

export interface Expected {
  readonly at: string
  readonly has?: SimPacket
}

type PacketKind =
  | 'echo'
  | 'echo-reply'
  | 'arp'
  | 'arp-reply'
  | 'ns'
  | 'na'
  | 'ra'
  | 'redirect'
  | 'udp'
  | 'tcp'
  | 'sctp'
  | 'ip'
  | 'frame'

export interface PacketSpec {
  readonly kind: PacketKind
  /** An endpoint or machine, or an address. */
  readonly to?: string
  /** Whose addresses it carries, if not the sender's own. */
  readonly as?: string
  /** `router`, an endpoint, or a MAC; by default the destination's own MAC, or the router's for a mere address. */
  readonly via?: string
  readonly ipv6?: boolean
  readonly source?: number
  readonly destination?: number
  /** Fields that differ; JSON has no bigint, `tun_id` is a number here. */
  readonly with?: Readonly<Record<string, string | number>>
}

export function storyNames(root: string): string[] {
  return readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort()
}

export function readStory(root: string, name: string, onStep: (step: Step) => void = () => {}): Story {
  const folder = join(root, name)
  const intent = readJson(join(folder, 'intent.json')) as StoryIntent
  const facts = readJson(join(folder, 'facts.json')) as Facts
  const probes = readJson(join(folder, 'probes.json')) as Probe[]
  const hosts = Object.entries(facts).map(([node, { members, ...rest }]) => ({
    node,
    ...rest,
    ...(members === undefined ? {} : { members: knownMembers(members) }),
  }))
  const world = new World({ state: clusterState(intent), hosts, machines: intent.machines ?? [], onStep })
  return { name, folder, world, hosts, probes }
}

function knownMembers({ here, elsewhere }: MembersFacts): KnownMembers {
  return {
    here: mapOf(here, (groups) => ({ everything: new Set(), groups: mapOf(groups, (ids) => new Set(ids)) })),
    elsewhere: mapOf(elsewhere, (hosts) => mapOf(hosts, (members) => members)),
  }
}

function mapOf<V, W>(record: Readonly<Record<string, V>>, value: (from: V) => W): ReadonlyMap<string, W> {
  return new Map(Object.entries(record).map(([key, from]) => [key, value(from)]))
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'))
}

/** Sends the probe's packet. */
export function sendProbe(world: World, probe: Pick<Probe, 'from' | 'sends'>): Journey {
  const packet = buildPacket(world, probe.from, probe.sends)
  const [node = '', port] = probe.from.split('/')
  return port === undefined ? world.send(probe.from, packet) : world.arrive(node, port, packet)
}

export function buildPacket(world: World, from: string, spec: PacketSpec): SimPacket {
  const isV6 =
    spec.ipv6 === true || spec.to?.includes(':') === true || ['ns', 'na', 'ra', 'redirect'].includes(spec.kind)
  const self = endOf(world, spec.as ?? from, isV6)
  const to = spec.to === undefined ? { mac: routerMac, ip: '' } : endOf(world, spec.to, isV6)
  const via = spec.via === undefined ? to.mac : spec.via === 'router' ? routerMac : endOf(world, spec.via, isV6).mac
  return { ...build(spec, self, { mac: via, ip: to.ip }), ...overrides(spec.with ?? {}) }
}

function build(spec: PacketSpec, self: End, to: End): SimPacket {
  const ports = { source: spec.source ?? 30000, destination: spec.destination ?? 80 }
  switch (spec.kind) {
    case 'echo':
      return echoRequest(self, to)
    case 'echo-reply':
      return echoReply(self, to)
    case 'arp':
      return arpRequest(self, to.ip)
    case 'arp-reply':
      return arpReply(self, to)
    case 'ns':
      return neighbourSolicitation(self, to.ip)
    case 'na':
      return neighbourAdvertisement(self, to)
    case 'ra':
      return routerAdvertisement(self)
    case 'redirect':
      return redirect(self, to)
    case 'udp':
      return udp(self, to, ports)
    case 'tcp':
      return tcp(self, to, ports)
    case 'sctp':
      return sctp(self, to, ports)
    case 'ip':
      return ip(self, to, 253)
    case 'frame':
      return { eth_src: self.mac, eth_dst: to.mac }
  }
}

function overrides(fields: Readonly<Record<string, string | number>>): SimPacket {
  const entries = Object.entries(fields).map(([name, value]) => [name, name === 'tun_id' ? BigInt(value) : value])
  return Object.fromEntries(entries) as SimPacket
}

/** MAC and address of somebody by name; a bare address is behind the router, a bare MAC has no address. */
function endOf(world: World, name: string, isV6: boolean): End {
  const record = world.state.endpoints.get(name)
  if (record !== undefined) return { mac: record.mac, ip: isV6 ? record.ipv6 : record.ipv4 }
  const machine = world.machines.get(name)
  if (machine !== undefined) return { mac: machine.mac, ip: machine.ipv4.split('/')[0] ?? '' }
  if (name.startsWith('host ')) {
    const resolver = resolverAddresses(world.state.global.pvtSubnet)
    return { mac: hostMac, ip: isV6 ? resolver.ipv6 : resolver.ipv4 }
  }
  if (name.startsWith('outside ')) return { mac: outsideMac, ip: machineOutside }
  if (/^([0-9a-f]{2}:){5}/.test(name)) return { mac: name, ip: '' }
  if (isKept(name)) return { mac: macOfGroup(name), ip: name }
  if (!/[.:]/.test(name)) throw new Error(`the story has nobody called ${name}`)
  return { mac: routerMac, ip: name }
}
