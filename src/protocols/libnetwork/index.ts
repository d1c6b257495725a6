// Docker's remote network and IPAM driver protocol: the public face of this folder.

export { LibnetworkClient, type RawAnswer } from './client.ts'
export type { Drivers, IpamDriver, NetworkDriver } from './driver.ts'
export {
  type AddressRelease,
  type AddressRequest,
  type AddressResponse,
  type AddressSpaces,
  type AllocateNetworkRequest,
  type AllocateNetworkResponse,
  type CallName,
  type CallRequest,
  type CallResponse,
  type CreateEndpointRequest,
  type CreateEndpointResponse,
  type CreateNetworkRequest,
  calls,
  contentType,
  type DiscoveryRequest,
  type EndpointInformation,
  type EndpointInterface,
  type EndpointRequest,
  type ExternalConnectivityRequest,
  type IpamCapabilities,
  type IpamData,
  isGatewayRequest,
  type JoinRequest,
  type JoinResponse,
  macOfAddressRequest,
  type NetworkCapabilities,
  type NetworkRequest,
  type PoolRelease,
  type PoolRequest,
  type PoolResponse,
  type StaticRoute,
} from './messages.ts'
export {
  type EndpointOptions,
  type ExposedPort,
  type NetworkOptions,
  noEndpointOptions,
  noNetworkOptions,
  type PortBinding,
  portMapLabel,
} from './options.ts'
export { LibnetworkServer, type LibnetworkServerDeps, type LibnetworkServerOptions } from './server.ts'
