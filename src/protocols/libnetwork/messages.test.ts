import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { NetpluginError } from '../../lib/errors.ts'
import { type CallName, calls, isGatewayRequest, macOfAddressRequest } from './messages.ts'
import { noEndpointOptions } from './options.ts'

const networkId = '164f4710c687'
const endpointId = 'bebb3567fe30'

/** Decodes, then encodes again: the wire form must come back, but for what Go reads alike. */
function bothWays(name: CallName, side: 'request' | 'response', wire: unknown): unknown {
  const codec = calls[name][side] as {
    decode(value: unknown, where: string): unknown
    encode(value: unknown): unknown
  }
  const decoded = codec.decode(wire, '')
  assert.deepEqual(JSON.parse(JSON.stringify(codec.encode(decoded))), wire)
  return decoded
}

test('a network is created with the options and pools that the engine sends', () => {
  const decoded = bothWays('NetworkDriver.CreateNetwork', 'request', {
    NetworkID: networkId,
    Options: {
      'com.docker.network.enable_ipv6': true,
      'com.docker.network.internal': true,
      'com.docker.network.generic': { tenant: 't1' },
    },
    IPv4Data: [
      {
        AddressSpace: 'local',
        Pool: '10.60.0.0/24',
        Gateway: '10.60.0.254/24',
        AuxAddresses: { a: '10.60.0.5/24' },
      },
    ],
    IPv6Data: [{ AddressSpace: 'local', Pool: 'fd00:60::/64', Gateway: 'fd00:60::fe/64', AuxAddresses: {} }],
  })
  assert.deepEqual(decoded, {
    networkId,
    options: { enableIpv4: true, enableIpv6: true, internal: true, generic: { tenant: 't1' }, other: {} },
    ipv4Data: [
      {
        addressSpace: 'local',
        pool: '10.60.0.0/24',
        gateway: '10.60.0.254/24',
        auxAddresses: { a: '10.60.0.5/24' },
      },
    ],
    ipv6Data: [{ addressSpace: 'local', pool: 'fd00:60::/64', gateway: 'fd00:60::fe/64', auxAddresses: {} }],
  })
})

test('a network without IPv4 says so only in newer engines', () => {
  const { decode } = calls['NetworkDriver.CreateNetwork'].request
  const older = decode({ NetworkID: networkId, Options: {}, IPv4Data: [], IPv6Data: null }, '')
  const newer = decode({ NetworkID: networkId, Options: { 'com.docker.network.enable_ipv4': false } }, '')
  assert.equal(older.options.enableIpv4, true)
  assert.equal(newer.options.enableIpv4, false)
})

test('swarm allocates a network with bare options and null lists', () => {
  const decoded = calls['NetworkDriver.AllocateNetwork'].request.decode(
    { NetworkID: 'nmfc7l9p', Options: { 'contiv-tag': '77' }, IPv4Data: [{ Pool: '10.62.0.0/24' }], IPv6Data: null },
    '',
  )
  assert.deepEqual(decoded.options, { 'contiv-tag': '77' })
  assert.deepEqual(decoded.ipv6Data, [])
})

test('an endpoint carries its published ports and the MAC that the user chose', () => {
  const decoded = bothWays('NetworkDriver.CreateEndpoint', 'request', {
    NetworkID: networkId,
    EndpointID: endpointId,
    Interface: { Address: '10.60.0.12/24', AddressIPv6: '', MacAddress: '02:aa:bb:cc:dd:03' },
    Options: {
      'my.option': 'x',
      'com.docker.network.endpoint.dnsservers': ['1.1.1.1'],
      'com.docker.network.endpoint.exposedports': [{ Proto: 6, Port: 80 }],
      'com.docker.network.endpoint.macaddress': 'Aqq7zN0D',
      'com.docker.network.portmap': [{ Proto: 6, IP: '', Port: 80, HostIP: '', HostPort: 8080, HostPortEnd: 8080 }],
    },
  })
  assert.deepEqual(decoded, {
    networkId,
    endpointId,
    interface: { address: '10.60.0.12/24', addressIpv6: '', macAddress: '02:aa:bb:cc:dd:03' },
    options: {
      exposedPorts: [{ protocol: 6, port: 80 }],
      portMap: [{ protocol: 6, ip: '', port: 80, hostIp: '', hostPort: 8080, hostPortEnd: 8080 }],
      macAddress: '02:aa:bb:cc:dd:03',
      dnsServers: ['1.1.1.1'],
      other: { 'my.option': 'x' },
    },
  })
})

test('an endpoint without ports comes with empty options', () => {
  const decoded = calls['NetworkDriver.CreateEndpoint'].request.decode(
    { NetworkID: networkId, EndpointID: endpointId, Interface: { Address: '10.60.0.10/24' }, Options: {} },
    '',
  )
  assert.deepEqual(decoded.options, noEndpointOptions)
})

test('what an endpoint was given is left out of the answer', () => {
  const encode = calls['NetworkDriver.CreateEndpoint'].response.encode
  const nothingNew = encode({ interface: { macAddress: '' } })
  const newMac = encode({ interface: { macAddress: '02:02:0a:3c:00:0a' } })
  assert.equal(JSON.stringify(nothingNew), '{"Interface":{}}')
  assert.equal(JSON.stringify(newMac), '{"Interface":{"MacAddress":"02:02:0a:3c:00:0a"}}')
})

test('a join is answered with the link, the gateways and the routes', () => {
  bothWays('NetworkDriver.Join', 'response', {
    InterfaceName: { SrcName: 'vvport1', DstPrefix: 'eth' },
    Gateway: '10.60.0.254',
    GatewayIPv6: 'fd00:60::fe',
    StaticRoutes: [
      { Destination: '10.99.0.0/16', RouteType: 1 },
      { Destination: '10.98.0.0/16', RouteType: 0, NextHop: '10.60.0.1' },
    ],
    DisableGatewayService: true,
  })
})

test('a join without gateways leaves them out', () => {
  const bare = {
    interfaceName: { srcName: 'vvport1', dstPrefix: 'eth' },
    staticRoutes: [],
    disableGatewayService: true,
  }
  const { encode, decode } = calls['NetworkDriver.Join'].response
  assert.equal(
    JSON.stringify(encode(bare)),
    '{"InterfaceName":{"SrcName":"vvport1","DstPrefix":"eth"},"StaticRoutes":[],"DisableGatewayService":true}',
  )
  assert.deepEqual(decode({ ...JSON.parse(JSON.stringify(encode(bare))), Gateway: '' }, ''), bare)
})

test('a pool may be asked for by family alone', () => {
  const decoded = calls['IpamDriver.RequestPool'].request.decode(
    { AddressSpace: 'local', Pool: '', SubPool: '', Options: null, V6: true },
    '',
  )
  assert.deepEqual(decoded, { addressSpace: 'local', pool: '', subPool: '', options: {}, v6: true })
})

test('a gateway, a chosen address and a MAC are told apart in address requests', () => {
  const decode = (fields: object) => calls['IpamDriver.RequestAddress'].request.decode({ PoolID: 'p', ...fields }, '')
  const gateway = decode({ Address: '', Options: { RequestAddressType: 'com.docker.network.gateway' } })
  const chosen = decode({ Address: '10.67.0.5', Options: null })
  const withMac = decode({ Options: { 'com.docker.network.endpoint.macaddress': '02:11:22:33:44:55' } })
  assert.equal(isGatewayRequest(gateway), true)
  assert.equal(isGatewayRequest(chosen), false)
  assert.equal(chosen.address, '10.67.0.5')
  assert.equal(macOfAddressRequest(withMac), '02:11:22:33:44:55')
  assert.equal(macOfAddressRequest(chosen), '')
})

test('a field of the wrong type is named in the error', () => {
  assert.throws(
    () => calls['NetworkDriver.CreateNetwork'].request.decode({ NetworkID: 'n', IPv4Data: [{ Pool: 7 }] }, ''),
    { kind: 'invalid', message: 'IPv4Data[0].Pool must be a string, not number' },
  )
  assert.throws(() => calls['NetworkDriver.Leave'].request.decode({ NetworkID: 'n' }, ''), {
    message: 'EndpointID must be a non-empty string, not undefined',
  })
})

test('no JSON value makes a decoder fail with anything but an invalid-data error', () => {
  const wire = fc.oneof(
    fc.jsonValue(),
    fc.record(
      {
        NetworkID: fc.jsonValue(),
        EndpointID: fc.jsonValue(),
        Interface: fc.jsonValue(),
        Options: fc.dictionary(
          fc.constantFrom('com.docker.network.generic', 'com.docker.network.portmap', 'x'),
          fc.jsonValue(),
        ),
        IPv4Data: fc.jsonValue(),
        PoolID: fc.jsonValue(),
      },
      { requiredKeys: [] },
    ),
  )
  fc.assert(
    fc.property(wire, (value) => {
      for (const { request } of Object.values(calls)) {
        try {
          request.decode(value, '')
        } catch (error) {
          assert.ok(error instanceof NetpluginError && error.kind === 'invalid', String(error))
        }
      }
    }),
    { numRuns: 300 },
  )
})
