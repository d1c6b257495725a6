// Docker's network and IPAM drivers. They program nothing: an attach call writes the endpoint through netmaster and waits
// until the agent's loop has put it in force; a detach call is kept until netmaster has it.

import type { NodeClient } from '../api/node-client.ts'
import { coveringPrefix } from '../lib/address.ts'
import type { Clock } from '../lib/clock.ts'
import { asNetpluginError, NetpluginError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { within } from '../lib/within.ts'
import type { EndpointAnswer } from '../model/plugin.ts'
import type { ClusterState } from '../model/state.ts'
import {
  type AddressRelease,
  type AddressRequest,
  type AddressResponse,
  type CreateEndpointRequest,
  type CreateEndpointResponse,
  type CreateNetworkRequest,
  type EndpointRequest,
  type ExternalConnectivityRequest,
  type IpamDriver,
  isGatewayRequest,
  type JoinRequest,
  type JoinResponse,
  type NetworkDriver,
  type NetworkRequest,
  type PoolRequest,
  type PoolResponse,
} from '../protocols/libnetwork/index.ts'
import type { Attachments } from './attachments.ts'
import { nameserversOnLink } from './container-routes.ts'
import type { DockerNetworkIds } from './docker-network-ids.ts'
import { networkOf, parsePoolId, poolId, refFromOptions, refFromPool } from './network-ref.ts'
import type { Outbox } from './outbox.ts'
import { type PublishedPorts, refuseWithoutNat } from './published-ports.ts'

/** How long the switch may take to put an endpoint in force: less than the call, so that the answer can say what the switch lacks. */
const attachMs = 14_000
const undoMs = 2_000

interface Deps {
  readonly client: NodeClient
  readonly attachments: Attachments
  readonly outbox: Outbox
  readonly networkIds: DockerNetworkIds
  readonly published: PublishedPorts
  readonly state: () => ClusterState | undefined
  readonly nameservers: () => readonly string[]
  readonly lookAgain: () => void
  readonly clock: Clock
  readonly log: Log
}

/** A subnet without its range, as Docker knows the pool: `a.b.c.d/len`. */
function withLength(address: string, subnet: string): string {
  return `${address}/${subnet.slice(subnet.lastIndexOf('/') + 1)}`
}

function withoutLength(address: string): string {
  return address.replace(/\/.*$/, '')
}

export class DockerNetworkDriver implements NetworkDriver {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  async getCapabilities() {
    // Each host makes its own Docker networks; what they reach is the whole cluster.
    return { scope: 'local', connectivityScope: 'global' }
  }

  async createNetwork(request: CreateNetworkRequest): Promise<void> {
    const { state, networkIds } = this.#deps
    const ref = refFromOptions(request.options.generic) ?? refFromPool(request.ipv4Data[0]?.pool ?? '', state())
    networkOf(ref, state())
    await networkIds.learn(request.networkId, ref)
  }

  async deleteNetwork(request: NetworkRequest): Promise<void> {
    await this.#deps.networkIds.forget(request.networkId)
  }

  async createEndpoint(request: CreateEndpointRequest, signal: AbortSignal): Promise<CreateEndpointResponse> {
    const { client, attachments, outbox, networkIds, clock, log, lookAgain } = this.#deps
    const ref = await networkIds.resolve(request.networkId, signal)
    const wanted = request.interface
    if (request.options.portMap.length > 0) refuseWithoutNat(networkOf(ref, this.#deps.state()))
    let made: EndpointAnswer | undefined
    try {
      made = await client.createEndpoint(
        {
          TenantName: ref.tenant,
          NetworkName: ref.network,
          ServiceName: ref.group,
          EndpointID: request.endpointId,
          ConfigEP: {
            IPAddress: withoutLength(wanted.address),
            IPv6Address: withoutLength(wanted.addressIpv6),
          },
          MacAddress: wanted.macAddress,
        },
        signal,
      )
      await within(attachMs, { clock, signal }, (limit) => attachments.whenInForce(request.endpointId, limit))
    } catch (error) {
      // What netmaster refused it does not have; an answer that did not come may have been a yes.
      if (made === undefined && !signal.aborted && !asNetpluginError(error).retryable) throw error
      // Docker will not ask to delete what it was told had failed.
      const undo = { op: 'delete-endpoint', request: { EndpointID: request.endpointId } } as const
      await within(undoMs, { clock }, (limit) => outbox.deliver(undo, limit)).catch((failure: Error) => {
        log.error('failed endpoint not removed', { endpoint: request.endpointId, reason: failure.message })
      })
      lookAgain()
      throw error
    }
    // Docker refuses to be told what it said itself.
    if (wanted.macAddress) return { interface: {} }
    return { interface: { macAddress: made.endpoint?.mac ?? '' } }
  }

  async deleteEndpoint(request: EndpointRequest, signal: AbortSignal): Promise<void> {
    const { outbox, lookAgain } = this.#deps
    await outbox.deliver({ op: 'delete-endpoint', request: { EndpointID: request.endpointId } }, signal)
    lookAgain()
  }

  async endpointOperInfo() {
    return { value: {} }
  }

  async join(request: JoinRequest, signal: AbortSignal): Promise<JoinResponse> {
    const { networkIds, state, attachments, clock } = this.#deps
    const network = networkOf(await networkIds.resolve(request.networkId, signal), state())
    const inForce = (limit: AbortSignal) => attachments.whenInForce(request.endpointId, limit)
    const srcName = await within(attachMs, { clock, signal }, inForce)
    return {
      interfaceName: { srcName, dstPrefix: 'eth' },
      ...(network.gateway === '' ? {} : { gateway: network.gateway }),
      ...(network.ipv6Gateway === '' ? {} : { gatewayIpv6: network.ipv6Gateway }),
      staticRoutes: nameserversOnLink(network, this.#deps.nameservers()).map((destination) => ({
        destination,
        routeType: 1,
      })),
      // A second interface on Docker's own bridge would lead around tenants and policy.
      disableGatewayService: true,
    }
  }

  async leave(): Promise<void> {}

  async programExternalConnectivity(request: ExternalConnectivityRequest, signal: AbortSignal): Promise<void> {
    const { networkIds, state, published, clock } = this.#deps
    const { endpointId, options } = request
    if (options.portMap.length === 0) return
    const network = networkOf(await networkIds.resolve(request.networkId, signal), state())
    const publish = (limit: AbortSignal) => published.publish(endpointId, options.portMap, { network }, limit)
    await within(attachMs, { clock, signal }, publish)
  }

  async revokeExternalConnectivity(request: EndpointRequest, signal: AbortSignal): Promise<void> {
    await this.#deps.published.withdraw(request.endpointId, signal)
  }

  async discoverNew(): Promise<void> {}
  async discoverDelete(): Promise<void> {}

  async allocateNetwork(): Promise<never> {
    throw new NetpluginError('invalid', 'SWARM_MODE', 'networks of swarm mode need the managed plugin')
  }

  async freeNetwork(): Promise<void> {}
}

export class DockerIpamDriver implements IpamDriver {
  readonly #deps: Pick<Deps, 'client' | 'outbox' | 'state'>

  constructor(deps: Pick<Deps, 'client' | 'outbox' | 'state'>) {
    this.#deps = deps
  }

  async getCapabilities() {
    return { requiresMacAddress: false, requiresRequestReplay: false }
  }

  async getDefaultAddressSpaces() {
    return { localDefault: 'netplugin-local', globalDefault: 'netplugin-global' }
  }

  async requestPool(request: PoolRequest): Promise<PoolResponse> {
    const state = this.#deps.state()
    const ref = refFromOptions(request.options) ?? refFromPool(request.pool, state)
    const network = networkOf(ref, state)
    const own = request.v6 ? network.ipv6Subnet : coveringPrefix(network.subnet)
    const pool = request.pool || own
    return { poolId: poolId(ref, pool), pool, data: {} }
  }

  async releasePool(): Promise<void> {}

  async requestAddress(request: AddressRequest, signal: AbortSignal): Promise<AddressResponse> {
    const { ref, pool } = parsePoolId(request.poolId, this.#deps.state())
    const v6 = pool.includes(':')
    if (isGatewayRequest(request)) {
      const network = networkOf(ref, this.#deps.state())
      const gateway = request.address || (v6 ? network.ipv6Gateway : network.gateway)
      // Docker makes no network without a gateway's address. Containers are given what Join says, which is none.
      const said = gateway === '' ? (v6 ? '::' : '0.0.0.0') : withoutLength(gateway)
      return { address: withLength(said, pool), data: {} }
    }
    await this.#deps.outbox.hasten(signal)
    const answer = await this.#deps.client.allocAddress(
      {
        ...names(ref),
        ...(v6 ? { IPv6: true, PreferredIPv6Address: request.address } : { PreferredIPv4Address: request.address }),
      },
      signal,
    )
    return { address: v6 ? answer.IPv6Address : answer.IPv4Address, data: {} }
  }

  async releaseAddress(request: AddressRelease, signal: AbortSignal): Promise<void> {
    const pooled = knownPool(request.poolId, this.#deps.state())
    // Its network is gone, and with it the address; a mere reservation ends by itself.
    if (pooled === undefined) return
    const { ref, pool } = pooled
    const address = pool.includes(':') ? { IPv6Address: request.address } : { IPv4Address: request.address }
    await this.#deps.outbox.deliver({ op: 'release-address', request: { ...names(ref), ...address } }, signal)
  }
}

function knownPool(id: string, state: ClusterState | undefined): ReturnType<typeof parsePoolId> | undefined {
  try {
    return parsePoolId(id, state)
  } catch (error) {
    if (asNetpluginError(error).code === 'POOL_UNKNOWN') return undefined
    throw error
  }
}

function names(ref: { readonly tenant: string; readonly network: string; readonly group: string }) {
  return { TenantName: ref.tenant, NetworkName: ref.network, ServiceName: ref.group }
}
