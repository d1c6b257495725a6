// Which network of ours a Docker network or address pool stands for.

import { coveringPrefix } from '../lib/address.ts'
import { NetpluginError } from '../lib/errors.ts'
import type { ClusterState, NetworkRecord } from '../model/state.ts'

export interface NetworkRef {
  readonly tenant: string
  readonly network: string
  /** Empty for the network itself. */
  readonly group: string
}

/** From the options of a Docker network, its driver's and its address pool's alike: `tenant`, `network`, `group`. */
export function refFromOptions(options: Readonly<Record<string, string>>): NetworkRef | undefined {
  const { network } = options
  if (network === undefined || network === '') return undefined
  return { tenant: options.tenant || 'default', network, group: options.group ?? '' }
}

/** The only network with this subnet; with several, or none, the user has to say which is meant. */
export function refFromPool(pool: string, state: ClusterState | undefined): NetworkRef {
  const matching = [...(state?.networks.values() ?? [])].filter(
    (record) => pool !== '' && (coveringPrefix(record.subnet) === pool || record.ipv6Subnet === pool),
  )
  const only = matching[0]
  if (only === undefined || matching.length > 1) {
    const found = matching.length === 0 ? 'no network has' : 'several networks have'
    throw new NetpluginError(
      'invalid',
      'NETWORK_NOT_NAMED',
      `${found} the subnet ${pool || '(none given)'}; create networks with 'netctl network create', or name one with ` +
        '--opt tenant=TENANT --opt network=NETWORK and the same as --ipam-opt',
    )
  }
  return { tenant: only.tenantName, network: only.networkName, group: '' }
}

/** `network[:group].tenant|pool` (specification 7.1). */
export function poolId(ref: NetworkRef, pool: string): string {
  return `${ref.network}${ref.group === '' ? '' : `:${ref.group}`}.${ref.tenant}|${pool}`
}

/** Names may hold dots, so the split between network and tenant is the one that names a network that exists. */
export function parsePoolId(id: string, state: ClusterState | undefined): { ref: NetworkRef; pool: string } {
  const bar = id.lastIndexOf('|')
  const name = id.slice(0, Math.max(bar, 0))
  const pool = id.slice(bar + 1)
  for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) {
    const [network = '', group = ''] = name.slice(0, dot).split(':')
    const ref = { tenant: name.slice(dot + 1), network, group }
    if (state?.networks.has(`${ref.tenant}:${network}`)) return { ref, pool }
  }
  throw new NetpluginError('not-found', 'POOL_UNKNOWN', `no network of the cluster has the address pool ${id}`)
}

export function networkOf(ref: NetworkRef, state: ClusterState | undefined): NetworkRecord {
  const record = state?.networks.get(`${ref.tenant}:${ref.network}`)
  if (record !== undefined) return record
  throw new NetpluginError(
    'not-found',
    'NETWORK_NOT_FOUND',
    `network ${ref.network} of tenant ${ref.tenant} is not known to netmaster; see 'netctl network ls -a'`,
  )
}
