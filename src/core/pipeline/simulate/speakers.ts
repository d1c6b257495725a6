// What an ordinary machine does on a network: finds its next hop, asks for its MAC, sends, and answers what it is asked.
// Enough to say whether a ping between two simulated machines would succeed, and who answered.

import {
  coveringPrefix,
  ipv4Mask,
  ipv6Mask,
  parseIpv4,
  parseIpv4Prefix,
  parseIpv6,
  parseIpv6Prefix,
} from '../../../lib/address.ts'
import {
  arpReply,
  arpRequest,
  type End,
  echoReply,
  echoRequest,
  neighbourAdvertisement,
  neighbourSolicitation,
  type SimPacket,
} from './packet.ts'
import type { Delivery, World } from './world.ts'

/** One machine's view of one address family. */
interface Interface {
  readonly mac: string
  /** Empty where it has no address of the family. */
  readonly ip: string
  readonly subnet: string
  readonly gateway: string
}

export interface Ping {
  readonly ok: boolean
  /** Who answered: an endpoint, a machine, or `switch`. */
  readonly by: string
  /** For a reader: what went wrong. */
  readonly why: string
}

/** Would `from` get an answer if it pinged the address? */
export function ping(world: World, from: string, address: string): Ping {
  const self = interfaceOf(world, from, address.includes(':'))
  if (self.ip === '') return failed(`${from} has no address of that family`)
  const sent = route(world, from, self, address)
  if (typeof sent === 'string') return failed(sent)
  const request = echoRequest(self, { mac: sent.mac, ip: address })
  const journey = world.send(from, request)
  for (const delivery of journey.deliveries) {
    if (isEchoReply(delivery, from, self, address)) return { ok: true, by: 'switch', why: '' }
  }
  for (const delivery of journey.deliveries) {
    if (!isFor(world, delivery, address)) continue
    const other = interfaceOf(world, delivery.to, address.includes(':'))
    const back = route(world, delivery.to, other, self.ip)
    if (typeof back === 'string') return failed(back)
    const reply = world.send(delivery.to, echoReply(other, { mac: back.mac, ip: self.ip }))
    if (reply.deliveries.some((answer) => isEchoReply(answer, from, self, address))) {
      return { ok: true, by: delivery.to, why: '' }
    }
    return failed(`the answer of ${delivery.to} was lost: ${outcome(reply)}`)
  }
  return failed(`the request was lost: ${outcome(journey)}`)
}

/** Asks for the MAC of an address on the link; undefined when nobody answers. */
export function resolve(world: World, from: string, address: string): string | undefined {
  const isV6 = address.includes(':')
  const self = interfaceOf(world, from, isV6)
  const question = isV6 ? neighbourSolicitation(self, address) : arpRequest(self, address)
  for (const delivery of world.send(from, question).deliveries) {
    const direct = answeredMac(delivery, from, address)
    if (direct !== undefined) return direct
    if (!isQuestionFor(world, delivery, address)) continue
    const other = interfaceOf(world, delivery.to, isV6)
    const answer = isV6 ? neighbourAdvertisement(other, self) : arpReply(other, self)
    for (const reply of world.send(delivery.to, answer).deliveries) {
      const mac = answeredMac(reply, from, address)
      if (mac !== undefined) return mac
    }
  }
  return undefined
}

/** The MAC to send to, or why there is none. */
function route(world: World, from: string, self: Interface, address: string): { readonly mac: string } | string {
  const hop = contains(self.subnet, address) ? address : self.gateway
  if (hop === '') return `${from} has no route to ${address}`
  const mac = resolve(world, from, hop)
  return mac === undefined ? `nobody told ${from} the MAC of ${hop}` : { mac }
}

function interfaceOf(world: World, name: string, isV6: boolean): Interface {
  const machine = world.machines.get(name)
  if (machine !== undefined) {
    const ip = isV6 ? '' : (machine.ipv4.split('/')[0] ?? '')
    return { mac: machine.mac, ip, subnet: isV6 ? '' : machine.ipv4, gateway: '' }
  }
  const record = world.state.endpoints.get(name)
  if (record === undefined) return { mac: '', ip: '', subnet: '', gateway: '' }
  const network = world.state.networks.get(`${record.tenantName}:${record.networkName}`)
  if (isV6) {
    const { ipv6Subnet = '', ipv6Gateway = '' } = network ?? {}
    return { mac: record.mac, ip: record.ipv6, subnet: ipv6Subnet, gateway: ipv6Gateway }
  }
  const { subnet = '', gateway = '' } = network ?? {}
  return { mac: record.mac, ip: record.ipv4, subnet: coveringPrefix(subnet), gateway }
}

function contains(subnet: string, address: string): boolean {
  if (address.includes(':')) {
    const prefix = parseIpv6Prefix(subnet)
    const value = parseIpv6(address)
    return prefix !== undefined && value !== undefined && (value & ipv6Mask(prefix.length)) === prefix.base
  }
  const prefix = parseIpv4Prefix(subnet)
  const value = parseIpv4(address)
  return prefix !== undefined && value !== undefined && (value & ipv4Mask(prefix.length)) >>> 0 === prefix.base
}

function answeredMac({ to, packet }: Delivery, asker: string, address: string): string | undefined {
  if (to !== asker) return undefined
  if (packet.arp_op === 2 && packet.arp_spa === address) return String(packet.arp_sha)
  if (packet.icmpv6_type === 136 && packet.nd_target === address) return String(packet.nd_tll)
  return undefined
}

function isQuestionFor(world: World, { to, packet }: Delivery, address: string): boolean {
  const { ip } = interfaceOf(world, to, address.includes(':'))
  const asked = packet.arp_op === 1 ? packet.arp_tpa : packet.icmpv6_type === 135 ? packet.nd_target : undefined
  return ip === address && asked === address
}

/** A machine takes a packet that is for its MAC and its address. */
function isFor(world: World, { to, packet }: Delivery, address: string): boolean {
  const { mac, ip } = interfaceOf(world, to, address.includes(':'))
  return ip === address && destination(packet) === address && packet.eth_dst === mac
}

function isEchoReply({ to, packet }: Delivery, asker: string, self: End, address: string): boolean {
  const isReply = packet.icmpv4_type === 0 || packet.icmpv6_type === 129
  const from = packet.ipv4_src ?? packet.ipv6_src
  return to === asker && isReply && from === address && destination(packet) === self.ip && packet.eth_dst === self.mac
}

function destination(packet: SimPacket): unknown {
  return packet.ipv4_dst ?? packet.ipv6_dst
}

function outcome(journey: { readonly deliveries: readonly Delivery[]; readonly dropped: readonly string[] }): string {
  const delivered = journey.deliveries.map(({ to }) => `went to ${to}`)
  return [...delivered, ...journey.dropped.map((where) => `dropped by ${where}`)].join(', ') || 'nothing came of it'
}

function failed(why: string): Ping {
  return { ok: false, by: '', why }
}
