// What infra networks must keep to beyond other networks: hosts have an interface in each of them. A host has one space of
// interface names and one of addresses, whatever tenants the networks are of.

import { coveringPrefix, overlappingPrefixes } from '../../lib/address.ts'
import type { Problem } from '../../lib/errors.ts'
import { problem } from '../../model/body.ts'
import { checkInterfaceName } from '../../model/host-endpoint.ts'
import type { NetworkRecord } from '../../model/state.ts'
import type { View } from '../tables.ts'

type Wish = Pick<NetworkRecord, 'networkName' | 'nwType' | 'subnet' | 'ipv6Subnet'>

/** Why the hosts cannot have an interface in a network; `key` is its own. */
export function checkInfra(view: View, key: string, wish: Wish): Problem | undefined {
  if (wish.nwType !== 'infra') return undefined
  const unnamed = checkInterfaceName(wish.networkName)
  if (unnamed !== undefined) return unnamed
  for (const [other, record] of view.networks) {
    if (other === key || record.nwType !== 'infra') continue
    if (record.networkName === wish.networkName) {
      const message = `the hosts' interfaces in infra network ${other} are called ${wish.networkName} already; choose another name`
      return problem('conflict', 'INTERFACE_NAME_IN_USE', message, { network: other })
    }
    if (share(wish, record)) return overlap(wish.subnet, `${record.subnet} of infra network ${other}`)
  }
  const { pvtSubnet } = view.global
  if (!overlappingPrefixes(coveringPrefix(wish.subnet), pvtSubnet)) return undefined
  return overlap(wish.subnet, `the hosts' private subnet ${pvtSubnet}`)
}

function share(a: Wish, b: Wish): boolean {
  return (
    overlappingPrefixes(coveringPrefix(a.subnet), coveringPrefix(b.subnet)) ||
    overlappingPrefixes(a.ipv6Subnet, b.ipv6Subnet)
  )
}

function overlap(mine: string, theirs: string): Problem {
  const message = `subnet ${mine} overlaps ${theirs}, and hosts have an address in both; choose another`
  return problem('conflict', 'SUBNET_OVERLAP', message)
}
