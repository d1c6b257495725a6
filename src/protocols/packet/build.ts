// Packets from layers to bytes, from the inside out: lengths, checksums and the numbers of what comes next follow from
// the layers, unless a layer says otherwise.

import { Writer } from '../../lib/bytes.ts'
import { NetpluginError } from '../../lib/errors.ts'
import { ipv4ToBytes, ipv6ToBytes, macToBytes } from './address-bytes.ts'
import { internetChecksum, pseudoHeader } from './checksum.ts'
import { etherTypes, type Ipv4, type Ipv6, ipProtocols, type Layer, type Tcp, type Udp } from './layers.ts'
import { type NdMessage, ndMessageBytes, ndTypes } from './neighbor-discovery.ts'

/** Errors: `invalid` for an address that is none, or a transport layer outside IP. */
export function buildPacket(layers: readonly Layer[]): Buffer {
  let bytes: Buffer = Buffer.alloc(0)
  for (let index = layers.length - 1; index >= 0; index--) {
    const layer = layers[index]
    if (layer !== undefined) bytes = buildLayer(layer, bytes, layers, index)
  }
  return bytes
}

function buildLayer(layer: Layer, inner: Buffer, layers: readonly Layer[], index: number): Buffer {
  const next = layers[index + 1]
  const writer = new Writer(inner.length + 64)
  switch (layer.kind) {
    case 'payload':
      return Buffer.concat([layer.bytes, inner])
    case 'ethernet':
      writer.bytes(macToBytes(layer.destination)).bytes(macToBytes(layer.source))
      return writer
        .u16(layer.etherType ?? etherTypeOf(next))
        .bytes(inner)
        .take()
    case 'vlan':
      writer.u16(((layer.priority ?? 0) << 13) | (layer.dropEligible ? 0x1000 : 0) | layer.vlan)
      return writer
        .u16(layer.etherType ?? etherTypeOf(next))
        .bytes(inner)
        .take()
    case 'arp':
      writer.u16(1).u16(etherTypes.ipv4).u8(6).u8(4).u16(layer.operation)
      writer.bytes(macToBytes(layer.senderMac)).bytes(ipv4ToBytes(layer.senderIp))
      return writer.bytes(macToBytes(layer.targetMac)).bytes(ipv4ToBytes(layer.targetIp)).bytes(inner).take()
    case 'ipv4':
      return Buffer.concat([ipv4Header(layer, layer.protocol ?? protocolOf(next), inner.length), inner])
    case 'ipv6':
      writer.u32(0x60000000 + ((layer.dscp ?? 0) << 22) + ((layer.ecn ?? 0) << 20) + (layer.flowLabel ?? 0))
      writer
        .u16(inner.length)
        .u8(layer.nextHeader ?? protocolOf(next))
        .u8(layer.hopLimit ?? 64)
      return writer.bytes(ipv6ToBytes(layer.source)).bytes(ipv6ToBytes(layer.destination)).bytes(inner).take()
    case 'ipv6-extension':
      return writer
        .u8(layer.nextHeader ?? protocolOf(next))
        .bytes(layer.body)
        .bytes(inner)
        .take()
    case 'icmp-echo':
      writer
        .u8(layer.request ? 8 : 0)
        .u8(0)
        .u16(0)
        .u16(layer.identifier)
        .u16(layer.sequence)
        .bytes(inner)
      return withChecksum(writer, 2, layer.checksum ?? internetChecksum(writer.view()))
    case 'icmp':
      writer
        .u8(layer.type)
        .u8(layer.code)
        .u16(0)
        .u32(layer.rest ?? 0)
        .bytes(inner)
      return withChecksum(writer, 2, layer.checksum ?? internetChecksum(writer.view()))
    case 'icmpv6-echo':
      writer
        .u8(layer.request ? 128 : 129)
        .u8(0)
        .u16(0)
        .u16(layer.identifier)
        .u16(layer.sequence)
        .bytes(inner)
      return transport(writer, 2, ipProtocols.icmpv6, layer.checksum, enclosing(layers, index))
    case 'icmpv6':
      writer
        .u8(layer.type)
        .u8(layer.code)
        .u16(0)
        .u32(layer.rest ?? 0)
        .bytes(inner)
      return transport(writer, 2, ipProtocols.icmpv6, layer.checksum, enclosing(layers, index))
    case 'neighbor-solicitation':
    case 'neighbor-advertisement':
    case 'router-solicitation':
    case 'router-advertisement':
      return neighborDiscovery(layer, inner, enclosing(layers, index))
    case 'udp':
      return udpDatagram(layer, inner, enclosing(layers, index))
    case 'tcp':
      return tcpSegment(layer, inner, enclosing(layers, index))
    case 'vxlan':
      writer
        .u8(layer.groupPolicy === undefined ? 0x08 : 0x88)
        .u8(0)
        .u16(layer.groupPolicy ?? 0)
      return writer
        .u32(layer.vni * 256)
        .bytes(inner)
        .take()
  }
}

function ipv4Header(layer: Ipv4, protocol: number, innerLength: number): Buffer {
  const options = layer.options ?? new Uint8Array()
  const writer = new Writer(60)
  const headerLength = 20 + options.length
  writer.u8(0x40 | (headerLength / 4)).u8(((layer.dscp ?? 0) << 2) | (layer.ecn ?? 0))
  writer.u16(headerLength + innerLength).u16(layer.identification ?? 0)
  const flags = (layer.dontFragment ? 0x4000 : 0) | (layer.moreFragments ? 0x2000 : 0)
  writer
    .u16(flags | (layer.fragmentOffset ?? 0))
    .u8(layer.ttl ?? 64)
    .u8(protocol)
    .u16(0)
  writer.bytes(ipv4ToBytes(layer.source)).bytes(ipv4ToBytes(layer.destination)).bytes(options)
  return withChecksum(writer, 10, layer.checksum ?? internetChecksum(writer.view()))
}

function neighborDiscovery(message: NdMessage, inner: Buffer, ip: Ipv4 | Ipv6 | undefined): Buffer {
  const writer = new Writer().u8(ndTypes[message.kind]).u8(0).u16(0).bytes(ndMessageBytes(message)).bytes(inner)
  return transport(writer, 2, ipProtocols.icmpv6, message.checksum, ip)
}

function udpDatagram(layer: Udp, inner: Buffer, ip: Ipv4 | Ipv6 | undefined): Buffer {
  const writer = new Writer(inner.length + 8).u16(layer.sourcePort).u16(layer.destinationPort)
  writer
    .u16(layer.length ?? inner.length + 8)
    .u16(0)
    .bytes(inner)
  return transport(writer, 6, ipProtocols.udp, layer.checksum, ip)
}

function tcpSegment(layer: Tcp, inner: Buffer, ip: Ipv4 | Ipv6 | undefined): Buffer {
  const options = layer.options ?? new Uint8Array()
  const writer = new Writer(inner.length + 60).u16(layer.sourcePort).u16(layer.destinationPort)
  writer.u32(layer.sequence ?? 0).u32(layer.acknowledgement ?? 0)
  writer
    .u16((((20 + options.length) / 4) << 12) | layer.flags)
    .u16(layer.window ?? 65_535)
    .u16(0)
  writer
    .u16(layer.urgent ?? 0)
    .bytes(options)
    .bytes(inner)
  return transport(writer, 16, ipProtocols.tcp, layer.checksum, ip)
}

function transport(
  writer: Writer,
  checksumAt: number,
  protocol: number,
  given: number | undefined,
  ip: Ipv4 | Ipv6 | undefined,
): Buffer {
  return withChecksum(writer, checksumAt, given ?? transportChecksum(writer.view(), protocol, ip))
}

function withChecksum(writer: Writer, at: number, checksum: number): Buffer {
  return writer.patchU16(at, checksum).take()
}

/** Over a segment whose own checksum field is zero. Errors: `invalid` NO_IP without the layer it is carried in. */
export function transportChecksum(segment: Buffer, protocol: number, ip: Ipv4 | Ipv6 | undefined): number {
  if (ip === undefined) {
    throw new NetpluginError('invalid', 'NO_IP', 'a transport layer needs an IP layer around it for its checksum')
  }
  const toBytes = ip.kind === 'ipv4' ? ipv4ToBytes : ipv6ToBytes
  const pseudo = pseudoHeader(toBytes(ip.source), toBytes(ip.destination), protocol, segment.length)
  const checksum = internetChecksum(pseudo, segment)
  // Zero is "no checksum" in UDP (RFC 768).
  return checksum === 0 && protocol === ipProtocols.udp ? 0xffff : checksum
}

/** The innermost IP layer around the layer at `index`. */
function enclosing(layers: readonly Layer[], index: number): Ipv4 | Ipv6 | undefined {
  for (let outer = index - 1; outer >= 0; outer--) {
    const layer = layers[outer]
    if (layer?.kind === 'ipv4' || layer?.kind === 'ipv6') return layer
  }
  return undefined
}

function etherTypeOf(next: Layer | undefined): number {
  switch (next?.kind) {
    case 'vlan':
      return etherTypes.vlan
    case 'arp':
      return etherTypes.arp
    case 'ipv6':
      return etherTypes.ipv6
    default:
      return etherTypes.ipv4
  }
}

function protocolOf(next: Layer | undefined): number {
  switch (next?.kind) {
    case 'icmp':
    case 'icmp-echo':
      return ipProtocols.icmp
    case 'tcp':
      return ipProtocols.tcp
    case 'udp':
      return ipProtocols.udp
    case 'icmpv6':
    case 'icmpv6-echo':
    case 'neighbor-solicitation':
    case 'neighbor-advertisement':
    case 'router-solicitation':
    case 'router-advertisement':
      return ipProtocols.icmpv6
    case 'ipv6-extension':
      return next.header
    default:
      return ipProtocols.none
  }
}
