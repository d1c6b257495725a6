// What a plugin implements. A thrown error's message is what `docker` prints, so it must make sense to a person.

import type {
  AddressRelease,
  AddressRequest,
  AddressResponse,
  AddressSpaces,
  AllocateNetworkRequest,
  AllocateNetworkResponse,
  CallName,
  CallRequest,
  CallResponse,
  CreateEndpointRequest,
  CreateEndpointResponse,
  CreateNetworkRequest,
  DiscoveryRequest,
  EndpointInformation,
  EndpointRequest,
  ExternalConnectivityRequest,
  IpamCapabilities,
  JoinRequest,
  JoinResponse,
  NetworkCapabilities,
  NetworkRequest,
  PoolRelease,
  PoolRequest,
  PoolResponse,
} from './messages.ts'

/** Every call may come twice, and calls that undo may come for what was never done: answer success then. */
export interface NetworkDriver {
  getCapabilities(signal: AbortSignal): Promise<NetworkCapabilities>
  /** Swarm managers only. The options returned come back in createNetwork on every node. */
  allocateNetwork(request: AllocateNetworkRequest, signal: AbortSignal): Promise<AllocateNetworkResponse>
  freeNetwork(request: NetworkRequest, signal: AbortSignal): Promise<void>
  createNetwork(request: CreateNetworkRequest, signal: AbortSignal): Promise<void>
  deleteNetwork(request: NetworkRequest, signal: AbortSignal): Promise<void>
  /** Only what the request left empty may be filled in the response. */
  createEndpoint(request: CreateEndpointRequest, signal: AbortSignal): Promise<CreateEndpointResponse>
  endpointOperInfo(request: EndpointRequest, signal: AbortSignal): Promise<EndpointInformation>
  deleteEndpoint(request: EndpointRequest, signal: AbortSignal): Promise<void>
  join(request: JoinRequest, signal: AbortSignal): Promise<JoinResponse>
  leave(request: EndpointRequest, signal: AbortSignal): Promise<void>
  programExternalConnectivity(request: ExternalConnectivityRequest, signal: AbortSignal): Promise<void>
  revokeExternalConnectivity(request: EndpointRequest, signal: AbortSignal): Promise<void>
  discoverNew(request: DiscoveryRequest, signal: AbortSignal): Promise<void>
  discoverDelete(request: DiscoveryRequest, signal: AbortSignal): Promise<void>
}

export interface IpamDriver {
  getCapabilities(signal: AbortSignal): Promise<IpamCapabilities>
  getDefaultAddressSpaces(signal: AbortSignal): Promise<AddressSpaces>
  requestPool(request: PoolRequest, signal: AbortSignal): Promise<PoolResponse>
  releasePool(request: PoolRelease, signal: AbortSignal): Promise<void>
  requestAddress(request: AddressRequest, signal: AbortSignal): Promise<AddressResponse>
  releaseAddress(request: AddressRelease, signal: AbortSignal): Promise<void>
}

/** A plugin is one or both kinds of driver. */
export interface Drivers {
  readonly network?: NetworkDriver
  readonly ipam?: IpamDriver
}

type Handler<N extends CallName> = (request: CallRequest<N>, signal: AbortSignal) => Promise<CallResponse<N>>
export type Handlers = { readonly [N in CallName]?: Handler<N> }

function silent<Request>(
  work: (request: Request, signal: AbortSignal) => Promise<void>,
): (request: Request, signal: AbortSignal) => Promise<Readonly<Record<never, never>>> {
  return async (request, signal) => {
    await work(request, signal)
    return {}
  }
}

/** Which method answers which call. */
export function handlersOf({ network, ipam }: Drivers): Handlers {
  const kinds = [...(network === undefined ? [] : ['NetworkDriver']), ...(ipam === undefined ? [] : ['IpamDriver'])]
  return {
    'Plugin.Activate': async () => ({ implements: kinds }),
    ...(network === undefined ? {} : networkHandlers(network)),
    ...(ipam === undefined ? {} : ipamHandlers(ipam)),
  }
}

function networkHandlers(driver: NetworkDriver): Handlers {
  return {
    'NetworkDriver.GetCapabilities': (_, signal) => driver.getCapabilities(signal),
    'NetworkDriver.AllocateNetwork': (request, signal) => driver.allocateNetwork(request, signal),
    'NetworkDriver.FreeNetwork': silent((request, signal) => driver.freeNetwork(request, signal)),
    'NetworkDriver.CreateNetwork': silent((request, signal) => driver.createNetwork(request, signal)),
    'NetworkDriver.DeleteNetwork': silent((request, signal) => driver.deleteNetwork(request, signal)),
    'NetworkDriver.CreateEndpoint': (request, signal) => driver.createEndpoint(request, signal),
    'NetworkDriver.EndpointOperInfo': (request, signal) => driver.endpointOperInfo(request, signal),
    'NetworkDriver.DeleteEndpoint': silent((request, signal) => driver.deleteEndpoint(request, signal)),
    'NetworkDriver.Join': (request, signal) => driver.join(request, signal),
    'NetworkDriver.Leave': silent((request, signal) => driver.leave(request, signal)),
    'NetworkDriver.ProgramExternalConnectivity': silent((request, signal) =>
      driver.programExternalConnectivity(request, signal),
    ),
    'NetworkDriver.RevokeExternalConnectivity': silent((request, signal) =>
      driver.revokeExternalConnectivity(request, signal),
    ),
    'NetworkDriver.DiscoverNew': silent((request, signal) => driver.discoverNew(request, signal)),
    'NetworkDriver.DiscoverDelete': silent((request, signal) => driver.discoverDelete(request, signal)),
  }
}

function ipamHandlers(driver: IpamDriver): Handlers {
  return {
    'IpamDriver.GetCapabilities': (_, signal) => driver.getCapabilities(signal),
    'IpamDriver.GetDefaultAddressSpaces': (_, signal) => driver.getDefaultAddressSpaces(signal),
    'IpamDriver.RequestPool': (request, signal) => driver.requestPool(request, signal),
    'IpamDriver.ReleasePool': silent((request, signal) => driver.releasePool(request, signal)),
    'IpamDriver.RequestAddress': (request, signal) => driver.requestAddress(request, signal),
    'IpamDriver.ReleaseAddress': silent((request, signal) => driver.releaseAddress(request, signal)),
  }
}
