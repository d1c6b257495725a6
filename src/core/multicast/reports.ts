// What a container says about the groups it listens to, out of the bytes it sent.

import { NetpluginError } from '../../lib/errors.ts'
import {
  findLayer,
  ipProtocols,
  type MembershipMessage,
  type MembershipRecord,
  type Packet,
  parsePacket,
  readIgmp,
  readMld,
  recordTypes,
} from '../../protocols/packet/index.ts'
import { isKept } from './groups.ts'

export interface Heard {
  readonly group: string
  /** It listens; it may have stopped, and is to be asked. */
  readonly what: 'member' | 'leaving'
}

/** In the order in which it is said. Nothing of what is malformed, cut, or about groups that everybody gets. Throws nothing. */
export function heardIn(frame: Buffer): readonly Heard[] {
  try {
    const message = messageIn(parsePacket(frame))
    return message === undefined ? [] : saidIn(message).filter(({ group }) => isKept(group))
  } catch (error) {
    if (error instanceof NetpluginError && error.kind === 'protocol') return []
    throw error
  }
}

function messageIn(packet: Packet): MembershipMessage | undefined {
  if (packet.problems.length > 0) return undefined
  const ipv4 = findLayer(packet, 'ipv4')
  const last = packet.layers.at(-1)
  const payload = last?.kind === 'payload' ? Buffer.from(last.bytes) : Buffer.alloc(0)
  if (ipv4 !== undefined) {
    const isWhole = ipv4.moreFragments !== true && (ipv4.fragmentOffset ?? 0) === 0
    return ipv4.protocol === ipProtocols.igmp && isWhole ? readIgmp(payload) : undefined
  }
  const icmpv6 = findLayer(packet, 'icmpv6')
  if (icmpv6 === undefined || icmpv6.code !== 0 || isFragment(packet)) return undefined
  const rest = Buffer.alloc(4)
  rest.writeUInt32BE(icmpv6.rest ?? 0)
  return readMld(icmpv6.type, Buffer.concat([rest, payload]))
}

function isFragment({ layers }: Packet): boolean {
  return layers.some((layer) => layer.kind === 'ipv6-extension' && layer.header === 44)
}

function saidIn(message: MembershipMessage): readonly Heard[] {
  switch (message.kind) {
    case 'query':
      return []
    case 'report':
      return [{ group: message.group, what: 'member' }]
    case 'leave':
      return [{ group: message.group, what: 'leaving' }]
    case 'records':
      return message.records.flatMap(saidBy)
  }
}

/** From which sources does not matter here: the container leaves out the others. */
function saidBy({ type, group, sources }: MembershipRecord): readonly Heard[] {
  switch (type) {
    case recordTypes.isExclude:
    case recordTypes.toExclude:
      return [{ group, what: 'member' }]
    case recordTypes.isInclude:
    case recordTypes.toInclude:
      return [{ group, what: sources.length > 0 ? 'member' : 'leaving' }]
    case recordTypes.allow:
      return sources.length > 0 ? [{ group, what: 'member' }] : []
    // Of the last source it says no more than that (Linux does).
    case recordTypes.block:
      return [{ group, what: 'leaving' }]
    default:
      return []
  }
}
