// Packets from bytes to layers. What is not understood becomes a payload; what is too short for its own header is an
// error; what is merely wrong (a checksum, a missing end) is kept and reported.

import { Reader } from '../../lib/bytes.ts'
import { NetpluginError } from '../../lib/errors.ts'
import { readIpv4, readIpv6, readMac } from './address-bytes.ts'
import { transportChecksum } from './build.ts'
import { internetChecksum } from './checksum.ts'
import {
  etherTypes,
  type Ipv4,
  type Ipv6,
  ipProtocols,
  type Layer,
  type Packet,
  type PacketProblem,
  vxlanPort,
} from './layers.ts'
import { readNdMessage } from './neighbor-discovery.ts'

/** An Ethernet frame. Bytes behind the end of IP are dropped as padding. Errors: `protocol`. */
export function parsePacket(frame: Uint8Array): Packet {
  const parser = new Parser()
  parser.ethernet(new Reader(Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength)))
  return { layers: parser.layers, problems: [...parser.problems].sort() }
}

const extensionHeaders: ReadonlySet<number> = new Set([0, 43, 44, 60])
const fragmentHeader = 44
/** What is deeper than this is left as a payload: nothing sane is, and depth must not be the sender's choice. */
const maxLayers = 32

/** What a transport layer has to know of the IP around it. */
interface Carrier {
  readonly ip: Ipv4 | Ipv6
  /** The end is not here: checksums and lengths cover more than there is. */
  readonly partial: boolean
}

/** Collects the layers of one packet. */
class Parser {
  readonly layers: Layer[] = []
  readonly problems = new Set<PacketProblem>()

  ethernet(reader: Reader): void {
    const destination = readMac(reader)
    const source = readMac(reader)
    const etherType = reader.u16()
    this.layers.push({ kind: 'ethernet', destination, source, etherType })
    this.#network(etherType, reader)
  }

  #network(etherType: number, reader: Reader): void {
    if (this.layers.length >= maxLayers) this.#payload(reader)
    else if (etherType === etherTypes.vlan) this.#vlan(reader)
    else if (etherType === etherTypes.arp) this.#arp(reader)
    else if (etherType === etherTypes.ipv4) this.#ipv4(reader)
    else if (etherType === etherTypes.ipv6) this.#ipv6(reader)
    else this.#payload(reader)
  }

  #vlan(reader: Reader): void {
    const tag = reader.u16()
    const etherType = reader.u16()
    const dropEligible = (tag & 0x1000) !== 0
    this.layers.push({ kind: 'vlan', vlan: tag & 0xfff, priority: tag >>> 13, dropEligible, etherType })
    this.#network(etherType, reader)
  }

  #payload(reader: Reader): void {
    if (reader.remaining > 0) this.layers.push({ kind: 'payload', bytes: Buffer.from(reader.bytes(reader.remaining)) })
  }

  #arp(reader: Reader): void {
    const whole = reader.bytes(reader.remaining)
    const body = new Reader(whole)
    const isEthernetIpv4 = body.u16() === 1 && body.u16() === etherTypes.ipv4 && body.u16() === 0x0604
    if (isEthernetIpv4) {
      this.layers.push({
        kind: 'arp',
        operation: body.u16(),
        senderMac: readMac(body),
        senderIp: readIpv4(body),
        targetMac: readMac(body),
        targetIp: readIpv4(body),
      })
    } else this.#payload(new Reader(whole))
  }

  #ipv4(reader: Reader): void {
    const all = reader.bytes(reader.remaining)
    const header = new Reader(all)
    const first = header.u8()
    const headerLength = (first & 15) * 4
    if (first >>> 4 !== 4 || headerLength < 20) throw malformed('an IPv4 header starts wrong')
    const traffic = header.u8()
    const totalLength = header.u16()
    if (totalLength < headerLength) throw malformed('an IPv4 packet is shorter than its header')
    const identification = header.u16()
    const fragment = header.u16()
    const ttl = header.u8()
    const protocol = header.u8()
    const checksum = header.u16()
    const source = readIpv4(header)
    const destination = readIpv4(header)
    const options = Buffer.from(header.bytes(headerLength - 20))
    const right = checksumWithout(all.subarray(0, headerLength), 10, internetChecksum)
    if (checksum !== right) this.problems.add('checksum')
    const moreFragments = (fragment & 0x2000) !== 0
    const fragmentOffset = fragment & 0x1fff
    const ip: Ipv4 = {
      kind: 'ipv4',
      source,
      destination,
      protocol,
      ttl,
      dscp: traffic >>> 2,
      ecn: traffic & 3,
      identification,
      dontFragment: (fragment & 0x4000) !== 0,
      moreFragments,
      fragmentOffset,
      options,
      ...(checksum === right ? {} : { checksum }),
    }
    this.layers.push(ip)
    const wanted = totalLength - headerLength
    const inner = this.#bounded(header, wanted)
    if (fragmentOffset > 0) this.#payload(inner)
    else this.#transport(protocol, inner, { ip, partial: moreFragments || inner.remaining < wanted })
  }

  #ipv6(reader: Reader): void {
    const first = reader.u32()
    if (first >>> 28 !== 6) throw malformed('an IPv6 header starts wrong')
    const wanted = reader.u16()
    const nextHeader = reader.u8()
    const hopLimit = reader.u8()
    const ip: Ipv6 = {
      kind: 'ipv6',
      source: readIpv6(reader),
      destination: readIpv6(reader),
      nextHeader,
      hopLimit,
      dscp: (first >>> 22) & 0x3f,
      ecn: (first >>> 20) & 3,
      flowLabel: first & 0xfffff,
    }
    this.layers.push(ip)
    const inner = this.#bounded(reader, wanted)
    this.#extensions(nextHeader, inner, { ip, partial: inner.remaining < wanted })
  }

  #extensions(header: number, reader: Reader, carrier: Carrier): void {
    if (!extensionHeaders.has(header) || this.layers.length >= maxLayers) {
      this.#transport(header, reader, carrier)
      return
    }
    const nextHeader = reader.u8()
    const units = reader.u8()
    const rest = reader.bytes(header === fragmentHeader ? 6 : units * 8 + 6)
    const body = Buffer.concat([Buffer.from([units]), rest])
    this.layers.push({ kind: 'ipv6-extension', header, nextHeader, body })
    const fragment = header === fragmentHeader ? rest.readUInt16BE(0) : 0
    if (fragment >>> 3 > 0) this.#payload(reader)
    else this.#extensions(nextHeader, reader, { ...carrier, partial: carrier.partial || (fragment & 1) !== 0 })
  }

  /** The next `wanted` bytes, or as many as there are. */
  #bounded(reader: Reader, wanted: number): Reader {
    if (wanted > reader.remaining) this.problems.add('truncated')
    return reader.sub(Math.min(wanted, reader.remaining))
  }

  #transport(protocol: number, reader: Reader, carrier: Carrier): void {
    const segment = reader.bytes(reader.remaining)
    const body = new Reader(segment)
    if (protocol === ipProtocols.icmp) this.#icmp(segment, body, carrier)
    else if (protocol === ipProtocols.icmpv6) this.#icmpv6(segment, body, carrier)
    else if (protocol === ipProtocols.udp) this.#udp(segment, body, carrier)
    else if (protocol === ipProtocols.tcp) this.#tcp(segment, body, carrier)
    else this.#payload(body)
  }

  /** The checksum as a field, when it is not what the bytes give. */
  #wrongChecksum(
    segment: Buffer,
    at: number,
    carrier: Carrier,
    compute: (bytes: Buffer) => number,
  ): { readonly checksum?: number } {
    const checksum = segment.readUInt16BE(at)
    if (checksum === checksumWithout(segment, at, compute)) return {}
    if (!carrier.partial) this.problems.add('checksum')
    return { checksum }
  }

  #icmp(segment: Buffer, body: Reader, carrier: Carrier): void {
    const type = body.u8()
    const code = body.u8()
    const rest = body.skip(2).u32()
    const wrong = this.#wrongChecksum(segment, 2, carrier, internetChecksum)
    if ((type === 8 || type === 0) && code === 0) {
      const [identifier, sequence] = [rest >>> 16, rest & 0xffff]
      this.layers.push({ kind: 'icmp-echo', request: type === 8, identifier, sequence, ...wrong })
    } else this.layers.push({ kind: 'icmp', type, code, rest, ...wrong })
    this.#payload(body)
  }

  #icmpv6(segment: Buffer, body: Reader, carrier: Carrier): void {
    const type = body.u8()
    const code = body.u8()
    body.skip(2)
    const compute = (bytes: Buffer) => transportChecksum(bytes, ipProtocols.icmpv6, carrier.ip)
    const wrong = this.#wrongChecksum(segment, 2, carrier, compute)
    const message = code === 0 ? readNdMessage(type, body) : undefined
    if (message !== undefined) {
      this.layers.push({ ...message, ...wrong })
      return
    }
    const rest = body.u32()
    if ((type === 128 || type === 129) && code === 0) {
      const [identifier, sequence] = [rest >>> 16, rest & 0xffff]
      this.layers.push({ kind: 'icmpv6-echo', request: type === 128, identifier, sequence, ...wrong })
    } else this.layers.push({ kind: 'icmpv6', type, code, rest, ...wrong })
    this.#payload(body)
  }

  #udp(segment: Buffer, body: Reader, carrier: Carrier): void {
    const sourcePort = body.u16()
    const destinationPort = body.u16()
    const length = body.u16()
    const checksum = body.u16()
    if (length < 8) throw malformed('a UDP datagram is shorter than its header')
    if (length > segment.length && !carrier.partial) this.problems.add('truncated')
    const datagram = segment.subarray(0, Math.min(length, segment.length))
    const partial = carrier.partial || length > segment.length
    const compute = (bytes: Buffer) => transportChecksum(bytes, ipProtocols.udp, carrier.ip)
    const none = checksum === 0 && carrier.ip.kind === 'ipv4'
    const wrong = none ? { checksum } : this.#wrongChecksum(datagram, 6, { ...carrier, partial }, compute)
    const cut = length > segment.length ? { length } : {}
    this.layers.push({ kind: 'udp', sourcePort, destinationPort, ...cut, ...wrong })
    const inner = new Reader(datagram, 8)
    if (destinationPort === vxlanPort && isVxlan(datagram.subarray(8))) this.#vxlan(inner)
    else this.#payload(inner)
  }

  #vxlan(reader: Reader): void {
    const hasPolicy = (reader.u16() & 0x8000) !== 0
    const groupPolicy = reader.u16()
    const vni = reader.u32() >>> 8
    this.layers.push({ kind: 'vxlan', vni, ...(hasPolicy ? { groupPolicy } : {}) })
    this.ethernet(reader)
  }

  #tcp(segment: Buffer, body: Reader, carrier: Carrier): void {
    const sourcePort = body.u16()
    const destinationPort = body.u16()
    const sequence = body.u32()
    const acknowledgement = body.u32()
    const offsetAndFlags = body.u16()
    const window = body.u16()
    const urgent = body.skip(2).u16()
    const optionBytes = (offsetAndFlags >>> 12) * 4 - 20
    if (optionBytes < 0) throw malformed('a TCP segment is shorter than its header')
    const options = Buffer.from(body.bytes(optionBytes))
    const compute = (bytes: Buffer) => transportChecksum(bytes, ipProtocols.tcp, carrier.ip)
    this.layers.push({
      kind: 'tcp',
      sourcePort,
      destinationPort,
      sequence,
      acknowledgement,
      flags: offsetAndFlags & 0xfff,
      window,
      urgent,
      options,
      ...this.#wrongChecksum(segment, 16, carrier, compute),
    })
    this.#payload(body)
  }
}

function malformed(why: string): NetpluginError {
  return new NetpluginError('protocol', 'BAD_PACKET', why)
}

/** What `compute` gives for the bytes with a zero in the place of the checksum. */
function checksumWithout(bytes: Buffer, at: number, compute: (bytes: Buffer) => number): number {
  const copy = Buffer.from(bytes)
  copy.writeUInt16BE(0, at)
  return compute(copy)
}

/** Nothing set but the flags and fields that are known, and an inner frame. */
function isVxlan(bytes: Buffer): boolean {
  if (bytes.length < 8 + 14 || bytes[7] !== 0 || bytes[1] !== 0) return false
  return bytes[0] === 0x88 || (bytes[0] === 0x08 && bytes.readUInt16BE(2) === 0)
}
