// Endpoints of intents exist before their containers: until one is attached nobody has the address, on any node.

import type { EndpointRecord } from '../../model/state.ts'

/** Whether no container has the endpoint yet, or any more. */
export function isWaiting({ origin, containerId }: EndpointRecord): boolean {
  return origin === 'intent' && containerId === ''
}
