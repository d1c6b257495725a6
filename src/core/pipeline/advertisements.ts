// Neighbour advertisements on switches that cannot write all of one: the kernel's datapath has no flags and no option type
// of neighbour discovery. There the flows do the rest and hand the packet to the agent, which finishes it and sends it back.

import { NetpluginError } from '../../lib/errors.ts'
import type { Flow } from '../../protocols/openflow/index.ts'
import { buildPacket, findLayer, type Packet, parsePacket } from '../../protocols/packet/index.ts'
import { sameFeature } from './cookies.ts'

/** Of our connection: the switch hands packets to the one that names it. */
export const agentControllerId = 0x6e70
/** "nd", in hex, with each packet that is handed up to be finished. */
export const advertisementMark = '6e64'

/** The flow as a switch without these fields takes it; most flows are that already. */
export function finishedByAgent(flow: Flow): Flow {
  const sets = (field: string) => flow.actions.some((action) => action.type === 'set_field' && action.field === field)
  if (!sets('nd_options_type') && !sets('nd_reserved')) return flow
  const actions = sets('nd_reserved')
    ? [{ type: 'controller', controllerId: agentControllerId, userdata: advertisementMark } as const]
    : flow.actions.filter((action) => action.type !== 'set_field' || action.field !== 'nd_options_type')
  const changed: Flow = { ...flow, actions }
  return { ...changed, cookie: sameFeature(flow.cookie ?? 0n, changed) }
}

/**
 * What the flows made of a solicitation, with the flags solicited and override and the sender's MAC as the target's (RFC 4861
 * section 4.4). Undefined for anything else: containers make these bytes.
 */
export function finishAdvertisementPacket(bytes: Buffer): Buffer | undefined {
  const packet = readPacket(bytes)
  if (packet === undefined) return undefined
  const ethernet = findLayer(packet, 'ethernet')
  const ipv6 = findLayer(packet, 'ipv6')
  const half = findLayer(packet, 'neighbor-advertisement')
  if (ethernet === undefined || ipv6 === undefined || half === undefined) return undefined
  const { source, destination } = ethernet
  return buildPacket([
    { kind: 'ethernet', source, destination },
    { kind: 'ipv6', source: ipv6.source, destination: ipv6.destination, hopLimit: 255 },
    {
      kind: 'neighbor-advertisement',
      target: half.target,
      router: false,
      solicited: true,
      override: true,
      options: [{ kind: 'target-link-address', mac: source }],
    },
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
