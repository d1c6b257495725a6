// What a hostile container might send: frames that speak for somebody else, by what they pretend.

import { linkLocalOfMac } from '../../src/lib/address.ts'
import { arpOperations, buildPacket, type Layer } from '../../src/protocols/packet/index.ts'
import type { Container } from './containers.ts'

export interface Cast {
  readonly attacker: Container
  readonly victim: Container
  /** Whose place the attacker takes. */
  readonly friend: Container
  readonly gateway: string
  /** Where the attacker's kernel would send what is for the victim: its MAC, or the router's. */
  readonly nextHop: string
}

export interface MarkedFrame {
  readonly name: string
  /** The frame, with its name behind the end of the packet: whatever becomes of it, it can be told. */
  readonly bytes: Buffer
}

const broadcast = 'ff:ff:ff:ff:ff:ff'
const allNodes = { ip: 'ff02::1', mac: '33:33:00:00:00:01' }
const strangerMac = '02:aa:00:00:00:01'

/** Frames that must reach nobody. */
export function spoofedFrames(cast: Cast): MarkedFrame[] {
  const { attacker, victim, friend, gateway } = cast
  const own = attacker.mac
  return [
    marked('stranger-mac', cast, udp4(cast, strangerMac, attacker.ipv4)),
    marked('friend-mac', cast, udp4(cast, friend.mac, attacker.ipv4)),
    marked('friend-whole', cast, udp4(cast, friend.mac, friend.ipv4)),
    marked('friend-ipv4', cast, udp4(cast, own, friend.ipv4)),
    marked('free-ipv4', cast, udp4(cast, own, '10.9.1.99')),
    marked('gateway-ipv4', cast, udp4(cast, own, gateway)),
    marked('victim-ipv4', cast, udp4(cast, own, victim.ipv4)),
    marked('friend-ipv6', cast, udp6(cast, own, friend.ipv6)),
    marked('stranger-mac-ipv6', cast, udp6(cast, strangerMac, attacker.ipv6)),
    marked('friend-link-local', cast, udp6(cast, own, linkLocalOfMac(friend.mac) ?? '')),
    marked('tag', cast, tagged(0, udp4(cast, own, attacker.ipv4))),
    marked('tag-of-network', cast, tagged(101, udp4(cast, own, attacker.ipv4))),
    marked('tag-of-other-network', cast, tagged(102, udp4(cast, own, attacker.ipv4))),
    marked('tag-inside-tag', cast, tagged(102, tagged(101, udp4(cast, own, attacker.ipv4)))),
    marked('service-tag', cast, serviceTagged(101, udp4(cast, own, attacker.ipv4))),
    marked('tag-around-arp', cast, tagged(101, arp(own, broadcast, arpOperations.request, own, attacker.ipv4, victim))),
    marked('tag-around-ipv6', cast, tagged(101, udp6(cast, own, attacker.ipv6))),
    marked('arp-reply-friend', cast, arp(own, victim.mac, arpOperations.reply, own, friend.ipv4, victim)),
    marked('arp-reply-gateway', cast, arp(own, victim.mac, arpOperations.reply, own, gateway, victim)),
    marked('arp-reply-stranger', cast, arp(own, victim.mac, arpOperations.reply, strangerMac, attacker.ipv4, victim)),
    marked('arp-request-friend', cast, arp(own, broadcast, arpOperations.request, own, friend.ipv4, victim)),
    marked('arp-request-outer', cast, arp(friend.mac, broadcast, arpOperations.request, own, attacker.ipv4, victim)),
    marked('arp-announce-friend', cast, arp(own, broadcast, arpOperations.request, own, friend.ipv4, friend)),
    marked('advertise-friend', cast, advertisement(own, attacker.ipv6, friend.ipv6, own)),
    marked('advertise-as-friend', cast, advertisement(own, friend.ipv6, friend.ipv6, own)),
    marked('advertise-other-mac', cast, advertisement(own, attacker.ipv6, attacker.ipv6, strangerMac)),
    marked('solicit-as-friend', cast, solicitation(own, friend.ipv6, victim)),
    marked('router-advertisement', cast, routerAdvertisement(own)),
    marked('router-advertisement-behind-options', cast, behindOptions(routerAdvertisement(own))),
    marked('router-advertisement-to-one', cast, toOne(cast, routerAdvertisement(own))),
    marked('advertise-friend-behind-options', cast, behindOptions(advertisement(own, attacker.ipv6, friend.ipv6, own))),
    marked('redirect', cast, redirect(own)),
    marked('dhcp-server', cast, dhcpServer(attacker)),
    marked('dhcp-server-to-one', cast, toOne(cast, dhcpServer(attacker))),
    marked('dhcp6-server', cast, dhcp6Server(own)),
    marked('dhcp6-server-behind-options', cast, behindOptions(dhcp6Server(own))),
    marked('dhcp6-server-to-one', cast, toOne(cast, dhcp6Server(own))),
  ]
}

/** Frames that must arrive, else the test would see nothing when nothing is sent. */
export function honestFrames(cast: Cast, number: number): MarkedFrame[] {
  const { attacker } = cast
  return [
    marked(`honest-ipv4-${number}`, cast, udp4(cast, attacker.mac, attacker.ipv4)),
    marked(`honest-ipv6-${number}`, cast, udp6(cast, attacker.mac, attacker.ipv6)),
  ]
}

/** What bridged networks carry besides: the attacker's word for its own addresses. */
export function honestNeighbours(cast: Cast): MarkedFrame[] {
  const { attacker, victim } = cast
  const own = attacker.mac
  return [
    marked('honest-arp', cast, arp(own, victim.mac, arpOperations.reply, own, attacker.ipv4, victim)),
    marked('honest-advertisement', cast, advertisement(own, attacker.ipv6, attacker.ipv6, own)),
  ]
}

function marked(name: string, { victim }: Cast, layers: readonly Layer[]): MarkedFrame {
  const marker = `<${name}-for-${victim.name}>`
  return { name: marker, bytes: Buffer.concat([buildPacket(layers), Buffer.from(marker)]) }
}

function tagged(vlan: number, [ethernet, ...rest]: readonly Layer[]): readonly Layer[] {
  return ethernet === undefined ? [] : [ethernet, { kind: 'vlan', vlan }, ...rest]
}

/** As a provider's switch would tag it (IEEE 802.1ad). */
function serviceTagged(vlan: number, layers: readonly Layer[]): readonly Layer[] {
  const [ethernet, ...rest] = tagged(vlan, layers)
  return ethernet?.kind === 'ethernet' ? [{ ...ethernet, etherType: 0x88a8 }, ...rest] : []
}

/** With destination options in between, which a guard must look behind (RFC 7113). */
function behindOptions([ethernet, ip, ...rest]: readonly Layer[]): readonly Layer[] {
  if (ethernet === undefined || ip === undefined) return []
  return [ethernet, ip, { kind: 'ipv6-extension', header: 60, body: Buffer.from([0, 1, 4, 0, 0, 0, 0]) }, ...rest]
}

/** Not to all, but to the victim by its own addresses. */
function toOne({ victim, nextHop }: Cast, [ethernet, ip, ...rest]: readonly Layer[]): readonly Layer[] {
  if (ethernet?.kind !== 'ethernet') return []
  const to = { ...ethernet, destination: nextHop }
  if (ip?.kind === 'ipv4') return [to, { ...ip, destination: victim.ipv4 }, ...rest]
  if (ip?.kind === 'ipv6') return [to, { ...ip, destination: victim.ipv6 }, ...rest]
  return []
}

function udp4({ victim, nextHop }: Cast, mac: string, source: string): readonly Layer[] {
  return [
    { kind: 'ethernet', destination: nextHop, source: mac },
    { kind: 'ipv4', source, destination: victim.ipv4 },
    { kind: 'udp', sourcePort: 7777, destinationPort: 7777 },
    { kind: 'payload', bytes: Buffer.alloc(32) },
  ]
}

function udp6({ victim, nextHop }: Cast, mac: string, source: string): readonly Layer[] {
  return [
    { kind: 'ethernet', destination: nextHop, source: mac },
    { kind: 'ipv6', source, destination: victim.ipv6 },
    { kind: 'udp', sourcePort: 7777, destinationPort: 7777 },
    { kind: 'payload', bytes: Buffer.alloc(32) },
  ]
}

function arp(
  source: string,
  destination: string,
  operation: number,
  senderMac: string,
  senderIp: string,
  target: Container,
): readonly Layer[] {
  const targetMac = operation === arpOperations.reply ? target.mac : '00:00:00:00:00:00'
  return [
    { kind: 'ethernet', destination, source },
    { kind: 'arp', operation, senderMac, senderIp, targetMac, targetIp: target.ipv4 },
  ]
}

function toAllNodes(mac: string, source: string): readonly Layer[] {
  return [
    { kind: 'ethernet', destination: allNodes.mac, source: mac },
    { kind: 'ipv6', source, destination: allNodes.ip, hopLimit: 255 },
  ]
}

function advertisement(mac: string, source: string, target: string, linkAddress: string): readonly Layer[] {
  const options = [{ kind: 'target-link-address', mac: linkAddress }] as const
  return [...toAllNodes(mac, source), { kind: 'neighbor-advertisement', target, override: true, options }]
}

function solicitation(mac: string, source: string, victim: Container): readonly Layer[] {
  const options = [{ kind: 'source-link-address', mac }] as const
  return [...toAllNodes(mac, source), { kind: 'neighbor-solicitation', target: victim.ipv6, options }]
}

function routerAdvertisement(mac: string): readonly Layer[] {
  const message = { hopLimit: 64, flags: 0, lifetimeSeconds: 1800, reachableMs: 0, retransmitMs: 0, options: [] }
  return [...toAllNodes(mac, linkLocalOfMac(mac) ?? ''), { kind: 'router-advertisement', ...message }]
}

function redirect(mac: string): readonly Layer[] {
  const body = { kind: 'payload', bytes: Buffer.alloc(32) } as const
  return [...toAllNodes(mac, linkLocalOfMac(mac) ?? ''), { kind: 'icmpv6', type: 137, code: 0 }, body]
}

function dhcpServer(attacker: Container): readonly Layer[] {
  return [
    { kind: 'ethernet', destination: broadcast, source: attacker.mac },
    { kind: 'ipv4', source: attacker.ipv4, destination: '255.255.255.255' },
    { kind: 'udp', sourcePort: 67, destinationPort: 68 },
    { kind: 'payload', bytes: Buffer.alloc(240) },
  ]
}

function dhcp6Server(mac: string): readonly Layer[] {
  const body = { kind: 'payload', bytes: Buffer.alloc(32) } as const
  return [...toAllNodes(mac, linkLocalOfMac(mac) ?? ''), { kind: 'udp', sourcePort: 547, destinationPort: 546 }, body]
}
