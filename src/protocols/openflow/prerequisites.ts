// Which fields a match must name before it may name others (OpenFlow 1.4.1 table 12; ovs-fields(7), "prerequisites").
// The switch checks this; the fake switch and tests of flow tables check it here.

import { canonicalMatch, type Match } from './match.ts'
import type { FieldName } from './oxm.ts'

interface Prerequisite {
  readonly fields: RegExp
  readonly needs: FieldName
  readonly oneOf: readonly number[]
}

const ipv4 = 0x0800
const ipv6 = 0x86dd

const prerequisites: readonly Prerequisite[] = [
  { fields: /^ipv4_/, needs: 'eth_type', oneOf: [ipv4] },
  { fields: /^ipv6_/, needs: 'eth_type', oneOf: [ipv6] },
  { fields: /^arp_/, needs: 'eth_type', oneOf: [0x0806, 0x8035] },
  { fields: /^mpls_/, needs: 'eth_type', oneOf: [0x8847, 0x8848] },
  { fields: /^(ip_|nw_ttl$|tcp_|udp_|sctp_)/, needs: 'eth_type', oneOf: [ipv4, ipv6] },
  { fields: /^tcp_/, needs: 'ip_proto', oneOf: [6] },
  { fields: /^udp_/, needs: 'ip_proto', oneOf: [17] },
  { fields: /^sctp_/, needs: 'ip_proto', oneOf: [132] },
  { fields: /^icmpv4_/, needs: 'eth_type', oneOf: [ipv4] },
  { fields: /^icmpv4_/, needs: 'ip_proto', oneOf: [1] },
  { fields: /^(icmpv6_|nd_)/, needs: 'eth_type', oneOf: [ipv6] },
  { fields: /^(icmpv6_|nd_)/, needs: 'ip_proto', oneOf: [58] },
  { fields: /^nd_/, needs: 'icmpv6_type', oneOf: [135, 136] },
  { fields: /^nd_sll$/, needs: 'icmpv6_type', oneOf: [135] },
  { fields: /^nd_tll$/, needs: 'icmpv6_type', oneOf: [136] },
]

/** What the match lacks, as a sentence; undefined when it lacks nothing. */
export function missingPrerequisite(match: Match): string | undefined {
  const canonical = canonicalMatch(match)
  for (const field of Object.keys(canonical)) {
    for (const { fields, needs, oneOf } of prerequisites) {
      if (!fields.test(field)) continue
      const value = canonical[needs]
      if (typeof value !== 'number' || !oneOf.includes(value)) {
        return `${field} needs ${needs} to be ${oneOf.map((number) => `0x${number.toString(16)}`).join(' or ')}`
      }
    }
  }
  if (canonical.vlan_pcp !== undefined && !isTagged(canonical.vlan_vid)) return 'vlan_pcp needs vlan_vid to be tagged'
  return undefined
}

function isTagged(vlan: Match['vlan_vid']): boolean {
  const value = typeof vlan === 'object' ? vlan.value : vlan
  return value !== undefined && (Number(value) & 0x1000) !== 0
}
