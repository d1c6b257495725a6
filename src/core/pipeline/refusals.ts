// Refusals: who asks a service that nobody serves, or a port it does not have, is told so at once instead of waiting. A switch
// cannot write such an answer, so it hands the packet to the agent.

import { NetpluginError } from '../../lib/errors.ts'
import {
  buildPacket,
  type Ethernet,
  findLayer,
  type Ipv4,
  ipProtocols,
  type Packet,
  parsePacket,
  type Tcp,
  tcpFlags,
} from '../../protocols/packet/index.ts'

/** "rf", in hex, with each packet that is handed up to be refused. */
export const refusalMark = '7266'

const portUnreachable = { type: 3, code: 3 } as const
/** Of the packet that is complained about: its IP header and this much more (RFC 792). */
const quotedBytes = 8

/** A reset for TCP (RFC 9293 section 3.5.2), "port unreachable" for the rest; nothing where an answer would be answered. */
export function refusalOf(bytes: Buffer): Buffer | undefined {
  const packet = readPacket(bytes)
  const ethernet = packet && findLayer(packet, 'ethernet')
  const ipv4 = packet && findLayer(packet, 'ipv4')
  if (packet === undefined || ethernet === undefined || ipv4 === undefined) return undefined
  if ((ipv4.fragmentOffset ?? 0) !== 0 || ipv4.protocol === ipProtocols.icmp) return undefined
  const back = [
    { kind: 'ethernet', source: ethernet.destination, destination: ethernet.source } as const,
    { kind: 'ipv4', source: ipv4.destination, destination: ipv4.source, ttl: 64 } as const,
  ]
  const tcp = findLayer(packet, 'tcp')
  if (tcp === undefined)
    return buildPacket([...back, { kind: 'icmp', ...portUnreachable }, quote(bytes, ethernet, ipv4)])
  if ((tcp.flags & tcpFlags.rst) !== 0) return undefined
  return buildPacket([...back, resetOf(tcp, payloadLength(packet))])
}

function resetOf({ sourcePort, destinationPort, sequence = 0, acknowledgement = 0, flags }: Tcp, length: number): Tcp {
  const to = { kind: 'tcp', sourcePort: destinationPort, destinationPort: sourcePort } as const
  if ((flags & tcpFlags.ack) !== 0) return { ...to, sequence: acknowledgement, flags: tcpFlags.rst }
  const counted = length + (flags & tcpFlags.syn ? 1 : 0) + (flags & tcpFlags.fin ? 1 : 0)
  return { ...to, sequence: 0, acknowledgement: (sequence + counted) >>> 0, flags: tcpFlags.rst | tcpFlags.ack }
}

function payloadLength(packet: Packet): number {
  return findLayer(packet, 'payload')?.bytes.length ?? 0
}

function quote(bytes: Buffer, _ethernet: Ethernet, { options }: Ipv4) {
  const header = 20 + (options?.length ?? 0)
  return { kind: 'payload', bytes: bytes.subarray(14, 14 + header + quotedBytes) } as const
}

/** Makes whoever has a connection open at that end say so: to a second opening it is answered by what it expects (RFC 5961). */
export function probeOf(connection: {
  readonly mac: string
  readonly clientMac: string
  readonly service: string
  readonly servicePort: number
  readonly client: string
  readonly clientPort: number
}): Buffer {
  const { mac, clientMac, service, servicePort, client, clientPort } = connection
  return buildPacket([
    { kind: 'ethernet', source: mac, destination: clientMac },
    { kind: 'ipv4', source: service, destination: client, ttl: 64 },
    { kind: 'tcp', sourcePort: servicePort, destinationPort: clientPort, flags: tcpFlags.syn },
  ])
}

function readPacket(bytes: Buffer): Packet | undefined {
  try {
    return parsePacket(bytes)
  } catch (error) {
    if (error instanceof NetpluginError && error.kind === 'protocol') return undefined
    throw error
  }
}
