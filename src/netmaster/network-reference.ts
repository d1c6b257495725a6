// Which network (and group) a node means: by id (`net.tenant`, `net:group.tenant`), by names, or by address pool.

import type { Problem } from '../lib/errors.ts'
import { problem } from '../model/body.ts'
import { groupKey } from '../model/endpoint-group.ts'
import { networkKey } from '../model/network.ts'
import type { GroupRecord, NetworkRecord } from '../model/state.ts'
import { notFound } from './objects/object.ts'
import type { View } from './tables.ts'

export interface NetworkReference {
  readonly NetworkID?: string
  readonly AddressPool?: string
  readonly TenantName: string
  readonly NetworkName: string
  readonly ServiceName: string
}

export interface Referred {
  readonly network: NetworkRecord
  readonly networkKey: string
  /** Undefined outside groups. */
  readonly group: GroupRecord | undefined
  /** Empty outside groups. */
  readonly groupKey: string
}

export function resolveNetwork(view: View, reference: NetworkReference): Referred | Problem {
  const { NetworkID = '', AddressPool = '', NetworkName, ServiceName } = reference
  const tenant = reference.TenantName === '' ? 'default' : reference.TenantName
  if (NetworkID !== '') return byId(view, NetworkID)
  if (NetworkName !== '' || ServiceName !== '') return byNames(view, tenant, NetworkName, ServiceName)
  if (AddressPool !== '') return byPool(view, AddressPool)
  return problem('invalid', 'NETWORK_MISSING', 'no network is named: give NetworkID, NetworkName or AddressPool')
}

function byNames(view: View, tenant: string, networkName: string, groupName: string): Referred | Problem {
  const key = groupName === '' ? '' : groupKey(tenant, groupName)
  const group = view.groups.get(key)
  if (key !== '' && group === undefined) return notFound('endpoint group', key)
  const name = networkName === '' ? (group?.networkName ?? '') : networkName
  const found = networkKey(tenant, name)
  const network = view.networks.get(found)
  if (network === undefined) return notFound('network', found)
  if (group !== undefined && group.networkName !== name) {
    const message = `endpoint group ${key} belongs to network ${group.networkName}, not to ${name}`
    return problem('invalid', 'GROUP_OF_OTHER_NETWORK', message, { group: key })
  }
  return { network, networkKey: found, group, groupKey: key }
}

/** Names may hold dots, so every dot may be the one before the tenant; what exists decides. */
function byId(view: View, id: string): Referred | Problem {
  const found: Referred[] = []
  for (let dot = id.indexOf('.'); dot >= 0; dot = id.indexOf('.', dot + 1)) {
    const [name = '', group = ''] = id.slice(0, dot).split(':')
    const referred = byNames(view, id.slice(dot + 1), name, group)
    if (!('code' in referred)) found.push(referred)
  }
  const [only, another] = found
  if (only === undefined) return notFound('network', id)
  if (another === undefined) return only
  const message = `${id} fits more than one network (${found.map((each) => each.networkKey).join(', ')}); give TenantName and NetworkName`
  return problem('invalid', 'NETWORK_AMBIGUOUS', message)
}

function byPool(view: View, pool: string): Referred | Problem {
  const found: Referred[] = []
  for (const [key, network] of view.networks) {
    if (network.subnet === pool || network.ipv6Subnet === pool) {
      found.push({ network, networkKey: key, group: undefined, groupKey: '' })
    }
  }
  const [only, another] = found
  if (only === undefined) return notFound('network', `with address pool ${pool}`)
  if (another === undefined) return only
  const message = `${found.length} networks have the address pool ${pool} (${found.map((each) => each.networkKey).join(', ')}); give NetworkID`
  return problem('invalid', 'NETWORK_AMBIGUOUS', message)
}
