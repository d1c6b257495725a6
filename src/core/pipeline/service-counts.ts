// What the flows of a node have counted for a service: what went to each of its providers, and what came back.

import type { FlowStats } from '../../protocols/openflow/index.ts'
import type { ServiceView } from '../compile/node-services.ts'
import { countingFlows } from './features/services.ts'

export interface ServiceCount {
  /** `to` or `from`, and the provider's address: `to 10.1.1.2`. */
  readonly key: string
  readonly packets: bigint
  readonly bytes: bigint
}

/** `flows`: those of the table that counts. */
export function countService(flows: Iterable<FlowStats>, service: ServiceView): readonly ServiceCount[] {
  const counted = new Map<bigint, FlowStats>()
  for (const flow of flows) counted.set(flow.cookie, flow)
  return service.providers.flatMap((provider) => {
    const [to, from] = countingFlows(service, provider).map(({ cookie }) => counted.get(cookie))
    return [
      { key: `to ${provider.ipv4}`, packets: to?.packets ?? 0n, bytes: to?.bytes ?? 0n },
      { key: `from ${provider.ipv4}`, packets: from?.packets ?? 0n, bytes: from?.bytes ?? 0n },
    ]
  })
}
