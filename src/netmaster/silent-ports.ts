// TCP ports of an endpoint at which no program answers, as its node says (docs/services.md).

import type { UpdateEndpointBody } from '../model/plugin.ts'
import type { EndpointRecord } from '../model/state.ts'

/** The record with the ports of the body: ascending, and missing where there are none; what the body leaves out stays. */
export function withSilentPorts(
  record: EndpointRecord,
  { SilentPorts: ports }: Pick<UpdateEndpointBody, 'SilentPorts'>,
): EndpointRecord {
  if (ports === undefined) return record
  const { silentPorts: _, ...rest } = record
  return ports.length === 0 ? rest : { ...rest, silentPorts: [...new Set(ports)].sort((a, b) => a - b) }
}
