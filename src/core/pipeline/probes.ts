// Whether the program of a provider answers is asked by the agent of its host: it hands the opening of a connection to the
// provider's port of the switch, as if it came from the service, and the switch hands the answer up. No address is needed for
// that, no rule of a policy is asked, and nobody else hears of it.

import { NetpluginError } from '../../lib/errors.ts'
import { buildPacket, findLayer, parsePacket, tcpFlags } from '../../protocols/packet/index.ts'

/** "pr", in hex, with each packet that is handed up as an answer. */
export const probeMark = '7072'
/** Where the openings seem to come from: a port from which no client asks (RFC 1078). */
export const probePort = 1

export interface ProbedPort {
  readonly address: string
  readonly mac: string
  readonly port: number
  /** Of the service that asks: its address, and the MAC that is shown for it. */
  readonly service: string
  readonly serviceMac: string
}

export interface ProbeAnswer {
  readonly address: string
  readonly port: number
  readonly service: string
  /** `closed`: no program listens there. `stale`: it speaks of another opening, of before. */
  readonly says: 'open' | 'closed' | 'stale'
  /** Of the opening that it answers. */
  readonly sequence: number
}

export function openingOf(probed: ProbedPort, sequence: number): Buffer {
  return segment(probed, { sequence, flags: tcpFlags.syn })
}

/** Ends what an opening that was answered has begun, and what an answer is of that nobody waits for. */
export function closingOf(probed: ProbedPort, sequence: number): Buffer {
  return segment(probed, { sequence: (sequence + 1) >>> 0, flags: tcpFlags.rst })
}

/** undefined for anything else: containers make these bytes. */
export function probeAnswerOf(bytes: Buffer): ProbeAnswer | undefined {
  const packet = readPacket(bytes)
  const ipv4 = packet && findLayer(packet, 'ipv4')
  const tcp = packet && findLayer(packet, 'tcp')
  if (ipv4 === undefined || tcp === undefined || tcp.destinationPort !== probePort) return undefined
  if ((tcp.flags & tcpFlags.ack) === 0) return undefined
  const isReset = (tcp.flags & tcpFlags.rst) !== 0
  const says = isReset ? 'closed' : (tcp.flags & tcpFlags.syn) !== 0 ? 'open' : 'stale'
  const sequence = ((tcp.acknowledgement ?? 0) - 1) >>> 0
  return { address: ipv4.source, port: tcp.sourcePort, service: ipv4.destination, says, sequence }
}

function segment(
  { address, mac, port, service, serviceMac }: ProbedPort,
  what: { readonly sequence: number; readonly flags: number },
): Buffer {
  return buildPacket([
    { kind: 'ethernet', source: serviceMac, destination: mac },
    { kind: 'ipv4', source: service, destination: address, ttl: 64 },
    { kind: 'tcp', sourcePort: probePort, destinationPort: port, ...what },
  ])
}

function readPacket(bytes: Buffer) {
  try {
    return parsePacket(bytes)
  } catch (error) {
    if (error instanceof NetpluginError && error.kind === 'protocol') return undefined
    throw error
  }
}
