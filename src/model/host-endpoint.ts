// Hosts in infra networks: each node has an endpoint of its own there, whose interface has the name of the network.

import type { Problem } from '../lib/errors.ts'
import { problem } from './body.ts'
import type { EndpointRecord, NetworkRecord } from './state.ts'

/** The infra network whose interface also leads to the other networks of its tenant (specification 5.2). */
export const hostAccessNetwork = 'contivh1'

/** No other endpoint has an `@` in its id. */
export function hostEndpointId(network: Pick<NetworkRecord, 'networkName' | 'tenantName'>, node: string): string {
  return `${network.networkName}.${network.tenantName}@${node}`
}

export function isHosts({ origin }: Pick<EndpointRecord, 'origin'>): boolean {
  return origin === 'host'
}

/** IFNAMSIZ of Linux less the byte that ends it. */
const longestInterfaceName = 15
/** Linux has files of these names beside those of the interfaces. */
const namesOfLinux: readonly string[] = ['all', 'default', 'lo']
/** Bridges and ports of ours begin so. */
const ourPrefix = 'np-'
const namesOfSwitch: readonly string[] = ['uplinkPort', 'ovs-system', 'ovs-netdev']

/** Why hosts cannot have an interface of this name. */
export function checkInterfaceName(name: string): Problem | undefined {
  const refuse = (why: string) =>
    problem(
      'invalid',
      'INTERFACE_NAME',
      `an infra network gives each host an interface of its name, and ${name} ${why}; choose another name`,
      { field: 'networkName' },
    )
  if (name.length > longestInterfaceName) return refuse(`has more than ${longestInterfaceName} characters`)
  if (namesOfLinux.includes(name)) return refuse('is a name that Linux keeps for itself')
  if (name.startsWith(ourPrefix) || namesOfSwitch.includes(name)) return refuse('is kept for the switch')
  return undefined
}
