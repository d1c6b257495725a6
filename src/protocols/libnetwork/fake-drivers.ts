// Drivers that remember what they were asked and answer like a plain address pool: for tests of the protocol and of its
// users.

import type { IpamDriver, NetworkDriver } from './driver.ts'

export interface RecordedCall {
  readonly call: string
  readonly request: unknown
}

export interface FakeDrivers {
  readonly network: NetworkDriver
  readonly ipam: IpamDriver
  /** In the order of arrival. */
  readonly recorded: readonly RecordedCall[]
}

/** `address` and `gateway` carry a prefix length; `mac` is answered where the engine gave none. */
export interface FakeDriverOptions {
  readonly pool: string
  readonly address: string
  readonly gateway: string
  readonly mac: string
  readonly linkName: string
}

export function fakeDrivers(options: FakeDriverOptions): FakeDrivers {
  const recorded: RecordedCall[] = []
  const note =
    (call: string) =>
    async (request: unknown): Promise<void> => {
      recorded.push({ call, request })
    }
  const answer =
    <Request, Response>(call: string, respond: (request: Request) => Response) =>
    async (request: Request): Promise<Response> => {
      recorded.push({ call, request })
      return respond(request)
    }
  const network: NetworkDriver = {
    getCapabilities: async () => ({ scope: 'local', connectivityScope: 'global' }),
    allocateNetwork: answer('allocateNetwork', (request) => ({ options: request.options })),
    freeNetwork: note('freeNetwork'),
    createNetwork: note('createNetwork'),
    deleteNetwork: note('deleteNetwork'),
    createEndpoint: answer('createEndpoint', (request) => ({
      interface: request.interface.macAddress === '' ? { macAddress: options.mac } : {},
    })),
    endpointOperInfo: answer('endpointOperInfo', () => ({ value: {} })),
    deleteEndpoint: note('deleteEndpoint'),
    join: answer('join', () => ({
      interfaceName: { srcName: options.linkName, dstPrefix: 'eth' },
      staticRoutes: [],
      disableGatewayService: true,
    })),
    leave: note('leave'),
    programExternalConnectivity: note('programExternalConnectivity'),
    revokeExternalConnectivity: note('revokeExternalConnectivity'),
    discoverNew: note('discoverNew'),
    discoverDelete: note('discoverDelete'),
  }
  const ipam: IpamDriver = {
    getCapabilities: async () => ({ requiresMacAddress: false, requiresRequestReplay: false }),
    getDefaultAddressSpaces: async () => ({ localDefault: 'fakeLocal', globalDefault: 'fakeGlobal' }),
    requestPool: answer('requestPool', (request) => {
      const pool = request.pool === '' ? options.pool : request.pool
      return { poolId: `${request.addressSpace}|${pool}`, pool, data: {} }
    }),
    releasePool: note('releasePool'),
    requestAddress: answer('requestAddress', (request) => {
      if (request.options.RequestAddressType !== undefined) return { address: options.gateway, data: {} }
      const length = options.address.split('/')[1]
      return { address: request.address === '' ? options.address : `${request.address}/${length}`, data: {} }
    }),
    releaseAddress: note('releaseAddress'),
  }
  return { network, ipam, recorded }
}
