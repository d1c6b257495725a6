// What a node must know of the ways out of networks. Objects are reused while they say the same.

import { coveringPrefix } from '../../lib/address.ts'
import { sameItems } from '../../lib/same.ts'
import { hasNat } from '../../model/nat.ts'
import type { ClusterState } from '../../model/state.ts'
import type { LocalEndpoint } from './node-network.ts'

export interface NodeOutside {
  /** Subnets of each tenant that has an endpoint here with a way out, by tenant id. */
  readonly inner: ReadonlyMap<number, readonly string[]>
}

export class OutsideCompiler {
  #inputs: readonly unknown[] = []
  #last: NodeOutside | undefined

  /** undefined on nodes without tunnel end, and while no network has a way out. */
  compile(state: ClusterState, vtep: string, local: ReadonlyMap<string, LocalEndpoint>): NodeOutside | undefined {
    const inputs = [state.networks, vtep, local]
    if (sameItems(inputs, this.#inputs)) return this.#last
    this.#inputs = inputs
    this.#last = vtep === '' ? undefined : outsideOf(state, local)
    return this.#last
  }
}

function outsideOf(state: ClusterState, local: ReadonlyMap<string, LocalEndpoint>): NodeOutside | undefined {
  const networks = [...state.networks.values()]
  if (!networks.some(hasNat)) return undefined
  const tenants = new Map<string, number>()
  for (const { network } of local.values()) if (network.nat) tenants.set(network.tenantName, network.tenantId)
  const inner = new Map<number, string[]>()
  for (const [name, id] of [...tenants].sort(([, a], [, b]) => a - b)) {
    const own = networks.filter(({ tenantName, encap }) => tenantName === name && encap.kind === 'vxlan')
    inner.set(id, [...new Set(own.map(({ subnet }) => coveringPrefix(subnet)))].sort())
  }
  return { inner }
}
