// Questions of the agent to the containers of its host: who is a member of which group? As a proxy would ask (RFC 4541 section
// 2.1.1): with an address that never wins against a router on the wire, which asks for itself.

import { linkLocalOfMac } from '../../lib/address.ts'
import {
  buildPacket,
  igmpBytes,
  ipProtocols,
  type Layer,
  type MembershipMessage,
  mldBody,
  mldTypes,
} from '../../protocols/packet/index.ts'
import { routerMac } from '../pipeline/facts.ts'
import { macOfGroup } from './groups.ts'

const source6 = linkLocalOfMac(routerMac) ?? '::'
/** RFC 3376 section 8.1. */
const robustness = 2
export const queryIntervalMs = 125_000
/** Until when a member that has not answered for two rounds is one (RFC 3376 section 8.4). */
export const membershipMs = robustness * queryIntervalMs + 10_000

/** About all groups; answers are to come within this time. */
export function generalQueries(maxResponseMs: number): readonly Buffer[] {
  return [query4('0.0.0.0', maxResponseMs), query6('::', maxResponseMs)]
}

/** About one group. */
export function groupQuery(group: string, maxResponseMs: number): Buffer {
  return group.includes(':') ? query6(group, maxResponseMs) : query4(group, maxResponseMs)
}

function query(group: string, maxResponseMs: number): MembershipMessage {
  const details = { suppress: false, robustness, intervalSeconds: queryIntervalMs / 1000, sources: [] }
  return { kind: 'query', group, maxResponseMs, details }
}

function query4(group: string, maxResponseMs: number): Buffer {
  const destination = group === '0.0.0.0' ? '224.0.0.1' : group
  return buildPacket([
    { kind: 'ethernet', source: routerMac, destination: macOfGroup(destination) },
    {
      kind: 'ipv4',
      source: '0.0.0.0',
      destination,
      ttl: 1,
      // Internetwork control, and the router alert option (RFC 2113).
      dscp: 48,
      protocol: ipProtocols.igmp,
      options: Buffer.from('94040000', 'hex'),
    },
    { kind: 'payload', bytes: igmpBytes(query(group, maxResponseMs)) },
  ])
}

function query6(group: string, maxResponseMs: number): Buffer {
  const destination = group === '::' ? 'ff02::1' : group
  const body = mldBody(query(group, maxResponseMs))
  // Hop-by-hop options: router alert for MLD (RFC 2711), padding.
  const routerAlert: Layer = {
    kind: 'ipv6-extension',
    header: 0,
    nextHeader: ipProtocols.icmpv6,
    body: Buffer.from('00050200000100', 'hex'),
  }
  return buildPacket([
    { kind: 'ethernet', source: routerMac, destination: macOfGroup(destination) },
    { kind: 'ipv6', source: source6, destination, hopLimit: 1 },
    routerAlert,
    { kind: 'icmpv6', type: mldTypes.query, code: 0, rest: body.readUInt32BE(0) },
    { kind: 'payload', bytes: body.subarray(4) },
  ])
}
