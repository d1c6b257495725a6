// The limits of network profiles: two meters for each endpoint that has one, for what it sends and for what it gets.

import type { EndpointLimits, Limit } from '../../../model/cni-endpoint.ts'
import type { Flow, Meter } from '../../../protocols/openflow/index.ts'
import type { LocalEndpoint, NodeNetwork } from '../../compile/node-network.ts'
import type { SwitchFacts } from '../facts.ts'
import { flow } from '../flow.ts'
import { priority } from '../priorities.ts'
import { logMeters } from './denied.ts'
import { membershipMeters } from './multicast.ts'

/** Numbers of an endpoint's meters. */
export interface EndpointMeters {
  /** What it sends. */
  readonly from: number
  /** What it gets. */
  readonly to: number
}

/** Meters of an endpoint by its OpenFlow port; undefined without a limit, or on a datapath that has no such meters. */
export function metersOf(
  endpoint: Pick<LocalEndpoint, 'profile' | 'limits'>,
  port: number,
  { maxMeter = Number.POSITIVE_INFINITY }: Pick<SwitchFacts, 'maxMeter'>,
): EndpointMeters | undefined {
  const meters = { from: 2 * port, to: 2 * port + 1 }
  const { from, to } = ratesOf(endpoint)
  return (from.rate === 0 && to.rate === 0) || meters.to > maxMeter ? undefined : meters
}

/** All meters of ours have numbers below this: there are no more ports. */
export const meterNumbersEnd = 0x2_0000

/** Of what is handed to the agent to be refused. The last port of a switch is 0xff00. */
export const refusalMeter = meterNumbersEnd - 1
/** About a thousand small packets a second. */
const refusals = { id: refusalMeter, rate: 512, burst: 256 } as const

/** Of answers to probes: those who are refused must not take the place of these. */
export const probeMeter = refusalMeter - 1
const probes = { id: probeMeter, rate: 1_024, burst: 512 } as const

export function hasRefusalMeter({ maxMeter = Number.POSITIVE_INFINITY }: Pick<SwitchFacts, 'maxMeter'>): boolean {
  return maxMeter >= refusalMeter
}

/** Of the direction that is not limited, where the other one is. */
const unlimited = { rate: 0xffff_ffff, burst: 0xffff_ffff } as const

/** The lower one of what the profile and what the runtime say. */
function ratesOf({ profile, limits }: Pick<LocalEndpoint, 'profile' | 'limits'>): EndpointLimits {
  const common: Limit = { rate: profile?.rate ?? 0, burst: (profile?.burst ?? 0) * 8 }
  const lower = (own: Limit | undefined): Limit => {
    if (own === undefined || own.rate === 0) return common
    return common.rate !== 0 && common.rate <= own.rate ? common : own
  }
  return { from: lower(limits?.from), to: lower(limits?.to) }
}

/** Every meter that flows of `Renderer` use, by number. */
export function desiredMeters(network: NodeNetwork, facts: SwitchFacts): ReadonlyMap<number, Meter> {
  const desired = new Map<number, Meter>(logMeters(network.policy, facts).map((meter) => [meter.id, meter]))
  for (const meter of membershipMeters(network.networks.values(), facts)) desired.set(meter.id, meter)
  if (network.services.size > 0 && hasRefusalMeter(facts)) {
    desired.set(refusalMeter, refusals)
    const isProbed = [...network.services.values()].some(({ probed }) => probed !== undefined)
    if (isProbed) desired.set(probeMeter, probes)
  }
  for (const endpoint of network.local.values()) {
    const port = facts.ofPorts.get(endpoint.portName)
    const meters = port === undefined ? undefined : metersOf(endpoint, port, facts)
    if (meters === undefined) continue
    const { from, to } = ratesOf(endpoint)
    for (const [id, limit] of [
      [meters.from, from],
      [meters.to, to],
    ] as const) {
      desired.set(id, limit.rate === 0 ? { id, ...unlimited } : { id, rate: limit.rate, burst: burstOf(limit, facts) })
    }
  }
  return desired
}

/**
 * TCP that loses a whole window waits for its retransmission timer, 200 ms on Linux: what may not come at once after such a
 * pause is lost to it, and a smaller burst halves what it carries (docs/adr/0018).
 */
const burstMs = 250
/** A packet that is larger than the burst would never pass: a jumbo frame, or segments that the kernel handles as one. */
const largestPacketBits = { wire: 9_216 * 8, kernel: 65_550 * 8 }

/** Kilobits. */
function burstOf({ rate, burst }: Limit, { segmentsTogether = false }: SwitchFacts): number {
  const wanted = burst === 0 ? (rate * burstMs) / 1000 : burst
  const least = (segmentsTogether ? largestPacketBits.kernel : largestPacketBits.wire) / 1000
  return Math.min(Math.ceil(Math.max(wanted, least)), 0xffff_ffff)
}

/**
 * What is handed to the endpoint passes its meter first, whatever way it came. Copies of a broadcast do not: a meter that drops
 * one ends what the datapath was to do with the packet, the copies for others too.
 */
export function deliveryFlows(port: number, meters: EndpointMeters | undefined): Flow[] {
  if (meters === undefined) return []
  return [
    flow('endpoint', 'Output', priority.exact, { OutPort: port, Flood: 0 }, [
      { meter: meters.to },
      { type: 'output', port },
    ]),
  ]
}
