// The first packets of connections between two endpoints, and their answers, for each kind of thing a rule tells apart.

import { routerMac } from '../../src/core/pipeline/facts.ts'
import {
  type End,
  echoReply,
  echoRequest,
  ip,
  type SimPacket,
  sctp,
  tcp,
  udp,
} from '../../src/core/pipeline/simulate/packet.ts'
import type { ClusterState, EndpointRecord } from '../../src/model/state.ts'

export interface Opening {
  readonly protocol: number
  readonly port: number
  readonly first: (from: End, to: End) => SimPacket
  readonly answer: (from: End, to: End) => SimPacket
}

const client = 30_000

function tcpTo(port: number): Opening {
  return {
    protocol: 6,
    port,
    first: (from, to) => tcp(from, to, { source: client, destination: port }),
    answer: (from, to) => tcp(from, to, { source: port, destination: client, flags: 0x12 }),
  }
}

function udpTo(port: number): Opening {
  return {
    protocol: 17,
    port,
    first: (from, to) => udp(from, to, { source: client, destination: port }),
    answer: (from, to) => udp(from, to, { source: port, destination: client }),
  }
}

/** One port only: between two addresses, connection tracking knows one association of SCTP. */
function sctpTo(port: number): Opening {
  return {
    protocol: 132,
    port,
    first: (from, to) => sctp(from, to, { source: client, destination: port }),
    answer: (from, to) => sctp(from, to, { source: port, destination: client }),
  }
}

export function openings(isV6: boolean): readonly Opening[] {
  const gre = (from: End, to: End) => ip(from, to, 47)
  return [
    tcpTo(80),
    tcpTo(443),
    tcpTo(8050),
    udpTo(80),
    udpTo(8100),
    sctpTo(80),
    { protocol: isV6 ? 58 : 1, port: 0, first: echoRequest, answer: echoReply },
    { protocol: 47, port: 0, first: gre, answer: gre },
  ]
}

/** As the other one's network needs it: routers are passed by address, bridges by MAC. */
export function sentBy(state: ClusterState, from: EndpointRecord, to: EndpointRecord, isV6: boolean) {
  const network = state.networks.get(`${from.tenantName}:${from.networkName}`)
  const isRouted = network?.encap.kind === 'vxlan' && state.global.fwdMode === 'routing'
  return [
    { mac: from.mac, ip: isV6 ? from.ipv6 : from.ipv4 },
    { mac: isRouted ? routerMac : to.mac, ip: isV6 ? to.ipv6 : to.ipv4 },
  ] as const
}
