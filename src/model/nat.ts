// The way out of networks: containers reach what is outside through their host, by source NAT, and ports of the host lead to them.

import type { Problem } from '../lib/errors.ts'
import { problem } from './body.ts'
import type { NetworkRecord } from './state.ts'

/** Why containers of a network could not reach outside through their host; undefined: they can. */
export function natObstacle({ encap, gateway }: Pick<NetworkRecord, 'encap' | 'gateway'>): string | undefined {
  if (encap.kind === 'vlan') return 'it is a VLAN, which has a way out of its own: the router on the wire'
  return gateway === '' ? 'it has no gateway' : undefined
}

/** Whether containers of the network reach outside through their host, and ports of the host lead to them. */
export function hasNat(record: Pick<NetworkRecord, 'encap' | 'gateway' | 'nat'>): boolean {
  return record.nat !== 'off' && natObstacle(record) === undefined
}

/** Of a network without a way out: why there is none in, and what to do. */
export function noWayIn(network: Pick<NetworkRecord, 'tenantName' | 'networkName' | 'encap' | 'gateway'>): Problem {
  const { tenantName, networkName } = network
  const obstacle = natObstacle(network)
  const tenant = tenantName === 'default' ? '' : `-t ${tenantName} `
  const step =
    obstacle === undefined
      ? `open it with netctl network set --nat on ${tenant}${networkName}`
      : 'run the container on another network'
  const message = `ports of hosts cannot lead into network ${tenantName}:${networkName}, for ${obstacle ?? 'its nat is off'}; ${step}, or leave -p out`
  return problem('conflict', 'NAT_OFF', message, { network: `${tenantName}:${networkName}` })
}
