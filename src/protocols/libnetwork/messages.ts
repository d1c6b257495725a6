// Every call of Docker's remote network driver and remote IPAM driver protocols (moby, libnetwork/docs/{remote,ipam}.md),
// with its request and its response. The names on the wire are the protocol's; ours are the properties.

import {
  anything,
  type Codec,
  count,
  type Decoded,
  flag,
  identifier,
  listOf,
  nothing,
  optionalText,
  record,
  text,
  textMap,
} from './codec.ts'
import { endpointOptions, networkOptions } from './options.ts'

const activation = record({ implements: ['Implements', listOf(text)] })
const networkCapabilities = record({ scope: ['Scope', text], connectivityScope: ['ConnectivityScope', text] })

const ipamData = record({
  addressSpace: ['AddressSpace', text],
  /** Prefix of the pool. */
  pool: ['Pool', text],
  /** Address with prefix length; empty when the network has none. */
  gateway: ['Gateway', text],
  auxAddresses: ['AuxAddresses', textMap],
})

const networkOnly = record({ networkId: ['NetworkID', identifier] })
const endpointOnly = record({ networkId: ['NetworkID', identifier], endpointId: ['EndpointID', identifier] })

const createNetwork = record({
  networkId: ['NetworkID', identifier],
  options: ['Options', networkOptions],
  ipv4Data: ['IPv4Data', listOf(ipamData)],
  ipv6Data: ['IPv6Data', listOf(ipamData)],
})

// In swarm mode the options of AllocateNetwork are the bare `--opt` values.
const allocateNetwork = record({
  networkId: ['NetworkID', identifier],
  options: ['Options', textMap],
  ipv4Data: ['IPv4Data', listOf(ipamData)],
  ipv6Data: ['IPv6Data', listOf(ipamData)],
})
const allocatedNetwork = record({ options: ['Options', textMap] })

/** What the engine has settled for the endpoint: addresses with prefix length; empty when it has none. */
const givenInterface = record({
  address: ['Address', text],
  addressIpv6: ['AddressIPv6', text],
  macAddress: ['MacAddress', text],
})

/** What the driver adds. What was given must not be here: the engine refuses a driver that "changes" an address. */
const addedInterface = record({
  address: ['Address', optionalText],
  addressIpv6: ['AddressIPv6', optionalText],
  macAddress: ['MacAddress', optionalText],
})

const createEndpoint = record({
  networkId: ['NetworkID', identifier],
  endpointId: ['EndpointID', identifier],
  interface: ['Interface', givenInterface],
  options: ['Options', endpointOptions],
})
const createdEndpoint = record({ interface: ['Interface', addedInterface] })
const endpointInformation = record({ value: ['Value', anything] })

const join = record({
  networkId: ['NetworkID', identifier],
  endpointId: ['EndpointID', identifier],
  sandboxKey: ['SandboxKey', text],
  options: ['Options', endpointOptions],
})

const staticRoute = record({
  destination: ['Destination', text],
  /** 0: through `nextHop`; 1: on the link. */
  routeType: ['RouteType', count],
  nextHop: ['NextHop', optionalText],
})

const joined = record({
  interfaceName: [
    'InterfaceName',
    record({
      /** A link in the host's namespace, which Docker moves into the container. */
      srcName: ['SrcName', text],
      /** Docker names it `dstPrefix` and the next free number. */
      dstPrefix: ['DstPrefix', text],
    }),
  ],
  gateway: ['Gateway', optionalText],
  gatewayIpv6: ['GatewayIPv6', optionalText],
  staticRoutes: ['StaticRoutes', listOf(staticRoute)],
  /** True: Docker must not add a second interface for the default route. */
  disableGatewayService: ['DisableGatewayService', flag],
})

const externalConnectivity = record({
  networkId: ['NetworkID', identifier],
  endpointId: ['EndpointID', identifier],
  options: ['Options', endpointOptions],
})

const discovery = record({
  /** 1: a node. */
  discoveryType: ['DiscoveryType', count],
  discoveryData: ['DiscoveryData', anything],
})

const ipamCapabilities = record({
  /** True: Docker makes the MAC before the address and sends it along. */
  requiresMacAddress: ['RequiresMACAddress', flag],
  requiresRequestReplay: ['RequiresRequestReplay', flag],
})

const addressSpaces = record({
  localDefault: ['LocalDefaultAddressSpace', text],
  globalDefault: ['GlobalDefaultAddressSpace', text],
})

const requestPool = record({
  addressSpace: ['AddressSpace', text],
  /** Empty: the driver chooses. */
  pool: ['Pool', text],
  subPool: ['SubPool', text],
  /** `docker network create --ipam-opt NAME=VALUE`. */
  options: ['Options', textMap],
  /** Says the family when `pool` is empty. */
  v6: ['V6', flag],
})
const requestedPool = record({ poolId: ['PoolID', text], pool: ['Pool', text], data: ['Data', textMap] })
const poolOnly = record({ poolId: ['PoolID', identifier] })

const requestAddress = record({
  poolId: ['PoolID', identifier],
  /** Without prefix length; empty: the driver chooses. */
  address: ['Address', text],
  options: ['Options', textMap],
})
/** With prefix length. */
const requestedAddress = record({ address: ['Address', text], data: ['Data', textMap] })
const releaseAddress = record({ poolId: ['PoolID', identifier], address: ['Address', text] })

interface Call<Request, Response> {
  readonly request: Codec<Request>
  readonly response: Codec<Response>
}

function call<Request, Response>(request: Codec<Request>, response: Codec<Response>): Call<Request, Response> {
  return { request, response }
}

/** Calls by path. `Plugin.Activate` is answered by the server itself. */
export const calls = {
  'Plugin.Activate': call(nothing, activation),
  'NetworkDriver.GetCapabilities': call(nothing, networkCapabilities),
  'NetworkDriver.AllocateNetwork': call(allocateNetwork, allocatedNetwork),
  'NetworkDriver.FreeNetwork': call(networkOnly, nothing),
  'NetworkDriver.CreateNetwork': call(createNetwork, nothing),
  'NetworkDriver.DeleteNetwork': call(networkOnly, nothing),
  'NetworkDriver.CreateEndpoint': call(createEndpoint, createdEndpoint),
  'NetworkDriver.EndpointOperInfo': call(endpointOnly, endpointInformation),
  'NetworkDriver.DeleteEndpoint': call(endpointOnly, nothing),
  'NetworkDriver.Join': call(join, joined),
  'NetworkDriver.Leave': call(endpointOnly, nothing),
  'NetworkDriver.ProgramExternalConnectivity': call(externalConnectivity, nothing),
  'NetworkDriver.RevokeExternalConnectivity': call(endpointOnly, nothing),
  'NetworkDriver.DiscoverNew': call(discovery, nothing),
  'NetworkDriver.DiscoverDelete': call(discovery, nothing),
  'IpamDriver.GetCapabilities': call(nothing, ipamCapabilities),
  'IpamDriver.GetDefaultAddressSpaces': call(nothing, addressSpaces),
  'IpamDriver.RequestPool': call(requestPool, requestedPool),
  'IpamDriver.ReleasePool': call(poolOnly, nothing),
  'IpamDriver.RequestAddress': call(requestAddress, requestedAddress),
  'IpamDriver.ReleaseAddress': call(releaseAddress, nothing),
} as const

export type CallName = keyof typeof calls
export type CallRequest<N extends CallName> = Decoded<(typeof calls)[N]['request']>
export type CallResponse<N extends CallName> = Decoded<(typeof calls)[N]['response']>

export type IpamData = Decoded<typeof ipamData>
export type EndpointInterface = Decoded<typeof givenInterface>
export type StaticRoute = Decoded<typeof staticRoute>
export type Nothing = Decoded<typeof nothing>
export type NetworkCapabilities = CallResponse<'NetworkDriver.GetCapabilities'>
export type AllocateNetworkRequest = CallRequest<'NetworkDriver.AllocateNetwork'>
export type AllocateNetworkResponse = CallResponse<'NetworkDriver.AllocateNetwork'>
export type NetworkRequest = CallRequest<'NetworkDriver.DeleteNetwork'>
export type CreateNetworkRequest = CallRequest<'NetworkDriver.CreateNetwork'>
export type EndpointRequest = CallRequest<'NetworkDriver.DeleteEndpoint'>
export type CreateEndpointRequest = CallRequest<'NetworkDriver.CreateEndpoint'>
export type CreateEndpointResponse = CallResponse<'NetworkDriver.CreateEndpoint'>
export type EndpointInformation = CallResponse<'NetworkDriver.EndpointOperInfo'>
export type JoinRequest = CallRequest<'NetworkDriver.Join'>
export type JoinResponse = CallResponse<'NetworkDriver.Join'>
export type ExternalConnectivityRequest = CallRequest<'NetworkDriver.ProgramExternalConnectivity'>
export type DiscoveryRequest = CallRequest<'NetworkDriver.DiscoverNew'>
export type IpamCapabilities = CallResponse<'IpamDriver.GetCapabilities'>
export type AddressSpaces = CallResponse<'IpamDriver.GetDefaultAddressSpaces'>
export type PoolRequest = CallRequest<'IpamDriver.RequestPool'>
export type PoolResponse = CallResponse<'IpamDriver.RequestPool'>
export type PoolRelease = CallRequest<'IpamDriver.ReleasePool'>
export type AddressRequest = CallRequest<'IpamDriver.RequestAddress'>
export type AddressResponse = CallResponse<'IpamDriver.RequestAddress'>
export type AddressRelease = CallRequest<'IpamDriver.ReleaseAddress'>

export const contentType = 'application/vnd.docker.plugins.v1.2+json'

/** Whether the address asked for is the gateway of a new network rather than that of an endpoint. */
export function isGatewayRequest(request: AddressRequest): boolean {
  return request.options.RequestAddressType === 'com.docker.network.gateway'
}

/** The MAC address that came with a request for an address; empty unless the driver said it requires one. */
export function macOfAddressRequest(request: AddressRequest): string {
  return request.options['com.docker.network.endpoint.macaddress'] ?? ''
}
