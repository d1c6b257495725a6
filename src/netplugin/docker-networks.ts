// The Docker networks of this host follow the cluster's networks and groups: made when those appear, removed when they
// go. So every Docker works without a cluster store, and `docker run --net=NAME` finds its network on any host.

import type { Runtime, RuntimeNetwork } from '../drivers/runtime/runtime.ts'
import { coveringPrefix } from '../lib/address.ts'
import { asNetpluginError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { ClusterState, NetworkRecord } from '../model/state.ts'
import { refFromOptions } from './network-ref.ts'

export interface WantedNetwork {
  readonly name: string
  readonly network: NetworkRecord
  /** `tenant:network[:group]`, the value of the label by which a restarted agent knows its own. */
  readonly mark: string
  readonly options: Readonly<Record<string, string>>
}

export const networkLabel = 'io.netplugin.network'

/** By name: `<network>` and `<group>.<network>`, with `/<tenant>` behind it outside the default tenant. */
export function wantedNetworks(state: ClusterState): ReadonlyMap<string, WantedNetwork> {
  const wanted = new Map<string, WantedNetwork>()
  const add = (network: NetworkRecord, group: string) => {
    const { tenantName, networkName } = network
    const base = group === '' ? networkName : `${group}.${networkName}`
    const name = tenantName === 'default' ? base : `${base}/${tenantName}`
    const mark = [tenantName, networkName, ...(group === '' ? [] : [group])].join(':')
    const options = { tenant: tenantName, network: networkName, ...(group === '' ? {} : { group }) }
    wanted.set(name, { name, network, mark, options })
  }
  for (const network of state.networks.values()) if (network.nwType === 'data') add(network, '')
  for (const group of state.groups.values()) {
    const network = state.networks.get(`${group.tenantName}:${group.networkName}`)
    if (network?.nwType === 'data') add(network, group.groupName)
  }
  return wanted
}

interface Deps {
  readonly runtime: Runtime
  readonly log: Log
}

export class DockerNetworks {
  readonly #driver: string
  readonly #deps: Deps
  /** What was last said about a network, by name. */
  readonly #complaints = new Map<string, string>()

  constructor(options: { readonly driver: string }, deps: Deps) {
    this.#driver = options.driver
    this.#deps = deps
  }

  /** Makes and removes until Docker has what is wanted. Throws when Docker is away; a network in use is left for later. */
  async reconcile(state: ClusterState, remove: boolean, signal: AbortSignal): Promise<{ readonly complete: boolean }> {
    const { runtime } = this.#deps
    const wanted = wantedNetworks(state)
    const present = new Map((await runtime.networks({}, signal)).map((network) => [network.name, network]))
    let complete = true
    for (const network of present.values()) {
      const mark = network.labels[networkLabel]
      if (mark === undefined || !remove) continue
      const match = wanted.get(network.name)
      if (match !== undefined && sameNetwork(network, match)) continue
      if (await this.#remove(network, signal)) present.delete(network.name)
      else complete = false
    }
    for (const want of wanted.values()) {
      const existing = present.get(want.name)
      if (existing === undefined) complete = (await this.#tryCreate(want, signal)) && complete
      else if (existing.driver !== this.#driver) {
        this.#warn(
          'Docker network of another driver has the name of ours: rename or remove it',
          want.name,
          existing.driver,
        )
      } else if (!standsFor(existing, want)) {
        this.#warn('Docker network has the name of one network and means another: remove it', want.name, 'made by hand')
      }
    }
    return { complete }
  }

  /** What Docker refuses must not keep the other networks from being made. */
  async #tryCreate(want: WantedNetwork, signal: AbortSignal): Promise<boolean> {
    try {
      await this.#create(want, signal)
      return true
    } catch (error) {
      const { retryable, message } = asNetpluginError(error)
      if (retryable || signal.aborted) throw error
      this.#warn('Docker network not created', want.name, message)
      return false
    }
  }

  async #create(want: WantedNetwork, signal: AbortSignal): Promise<void> {
    const { network } = want
    await this.#deps.runtime.createNetwork(
      {
        name: want.name,
        driver: this.#driver,
        ipamDriver: this.#driver,
        subnet: coveringPrefix(network.subnet),
        ...(network.gateway === '' ? {} : { gateway: network.gateway }),
        ...(network.ipv6Subnet === '' ? {} : { ipv6Subnet: network.ipv6Subnet }),
        ...(network.ipv6Gateway === '' ? {} : { ipv6Gateway: network.ipv6Gateway }),
        labels: { [networkLabel]: want.mark },
        options: want.options,
        ipamOptions: want.options,
      },
      signal,
    )
    this.#complaints.delete(want.name)
    this.#deps.log.info('Docker network created', { network: want.name })
  }

  async #remove(network: RuntimeNetwork, signal: AbortSignal): Promise<boolean> {
    try {
      await this.#deps.runtime.removeNetwork(network.id, signal)
      this.#complaints.delete(network.name)
      this.#deps.log.info('Docker network removed', { network: network.name })
      return true
    } catch (error) {
      const { kind, retryable, message } = asNetpluginError(error)
      if (kind === 'not-found') return true
      if (retryable || signal.aborted) throw error
      this.#warn('Docker network not removed', network.name, message)
      return false
    }
  }

  /** Said once, however often it is tried. */
  #warn(phrase: string, name: string, reason: string): void {
    if (this.#complaints.get(name) === reason) return
    this.#complaints.set(name, reason)
    this.#deps.log.warn(phrase, { network: name, reason })
  }
}

/** One that a person made with our driver may name another network of the cluster, or have the subnet of another. */
function standsFor(existing: RuntimeNetwork, want: WantedNetwork): boolean {
  const ref = refFromOptions(existing.options)
  if (ref === undefined) return existing.subnets.some(({ subnet }) => subnet === coveringPrefix(want.network.subnet))
  const { tenant, network, group = '' } = want.options
  return ref.tenant === tenant && ref.network === network && ref.group === group
}

/** A network that changed, or was deleted and made again under the same name, has other addresses or gateways. */
function sameNetwork(existing: RuntimeNetwork, want: WantedNetwork): boolean {
  const { subnet, gateway, ipv6Subnet, ipv6Gateway } = want.network
  const isAs = (isV6: boolean, prefix: string, router: string) => {
    const found = existing.subnets.filter((entry) => entry.subnet.includes(':') === isV6)
    if (prefix === '') return found.length === 0
    return found.some((entry) => entry.subnet === prefix && gatewayOf(entry) === router)
  }
  return (
    existing.labels[networkLabel] === want.mark &&
    isAs(false, coveringPrefix(subnet), gateway) &&
    isAs(true, ipv6Subnet, ipv6Gateway)
  )
}

/** Docker shows the unspecified address, with or without a length, where it was given none. */
function gatewayOf({ gateway = '' }: RuntimeNetwork['subnets'][number]): string {
  const address = gateway.replace(/\/.*$/, '')
  return address === '0.0.0.0' || address === '::' ? '' : address
}
