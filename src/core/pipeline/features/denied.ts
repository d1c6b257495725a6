// What becomes of what is denied. A rule stops connections from being opened; it ends open ones only if it says so. To know
// whether it does, open connections of groups with such rules are judged like new ones.

import type { Flow, Meter } from '../../../protocols/openflow/index.ts'
import { ctState } from '../../../protocols/openflow/index.ts'
import type { CuttingGroup } from '../../compile/node-cutting.ts'
import type { NodePolicy } from '../../compile/node-policy.ts'
import { agentControllerId } from '../advertisements.ts'
import type { SwitchFacts } from '../facts.ts'
import { connection, range } from '../fields.ts'
import { flow, type Step } from '../flow.ts'
import { is } from '../packets.ts'
import { priority } from '../priorities.ts'

type Denied = 'EgressDenied' | 'IngressDenied'

/** From now on its packets have to be allowed anew. */
const cut: Step<Denied> = {
  type: 'ct',
  zone: range('Tenant'),
  commit: true,
  exec: [{ type: 'set_field', field: 'ct_mark', value: connection.cut, mask: connection.cut }],
}

export function deniedFlows(): Flow[] {
  const again = { Established: 1 }
  return [
    flow('policy', 'EgressDenied', priority.exact, { ...again, Cut: 0 }, [{ goto: 'SourceOf' }]),
    flow('policy', 'IngressDenied', priority.exact, { ...again, Cut: 0 }, [{ goto: 'Commit' }]),
    ...[is.ipv4, is.ipv6].flatMap((family) => [
      flow('policy', 'EgressDenied', priority.exact, { ...family, ...again, Cut: 1 }, [cut]),
      flow('policy', 'IngressDenied', priority.exact, { ...family, ...again, Cut: 1 }, [cut]),
    ]),
  ]
}

/** What whoever opened the connection sends; what is answered goes on until then. */
export function cuttingFlows({ groupId, incoming, outgoing }: CuttingGroup): Flow[] {
  const own = [...(incoming ? [{ Receiver: groupId }] : []), ...(outgoing ? [{ SourceGroup: groupId }] : [])]
  const packets = [stateIs(ctState.est, ctState.rpl), ...underWay()]
  const steps = [{ set: { Established: 1 } }, { goto: 'DestinationOf' }] as const
  return own.flatMap((group) =>
    packets.map((packet) => flow('policy', 'State', priority.self, { ...packet, ...group }, steps)),
  )
}

/** With each packet that is handed up to be logged, in hex: "lo", and whether the sender's rules denied it or the receiver's. */
export const denialMarks = { out: '6c6f6f', in: '6c6f69' } as const
/** Addresses and ports are all that is looked at. */
const loggedBytes = 128
/** Of no port's: those have twice its number, and the next. */
const logMeter: Meter = { id: 1, rate: 512, burst: 256 }

/** Of all packets that all rules want to have logged together; none where nothing is logged, or the datapath has no meters. */
export function logMeters(policy: NodePolicy | undefined, { maxMeter = 1 }: SwitchFacts): readonly Meter[] {
  return policy?.levels.some(({ logs }) => logs) === true && maxMeter >= logMeter.id ? [logMeter] : []
}

/** A copy of a broadcast is not logged: a meter that drops it would end what is to be done with the others. */
export function logFlows(meters: readonly Meter[]): Flow[] {
  const limit = meters.map(({ id }) => ({ meter: id }))
  const handUp = (direction: 'in' | 'out') =>
    ({
      type: 'controller',
      controllerId: agentControllerId,
      maxLen: loggedBytes,
      userdata: denialMarks[direction],
    }) as const
  const logged = { Established: 0, Log: 1, Flood: 0 }
  return [
    flow('policy', 'EgressDenied', priority.exact, logged, [...limit, handUp('out')]),
    flow('policy', 'IngressDenied', priority.exact, logged, [...limit, handUp('in')]),
  ]
}

export function stateIs(bits: number, not = 0) {
  return { ct_state: { value: bits, mask: bits | not } } as const
}

const synFlag = 2

/** Packets of TCP that open nothing, of a connection that is not known. */
export function underWay() {
  return [is.tcp, is.tcp6].map(
    (tcp) => ({ ...stateIs(ctState.new), ...tcp, tcp_flags: { value: 0, mask: synFlag } }) as const,
  )
}
