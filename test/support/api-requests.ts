// Random requests against the public API and the paths of nodes: most of them sensible, over so few names that they get
// into each other's way.

import fc from 'fast-check'

export interface ApiRequest {
  readonly method: 'POST' | 'PUT' | 'DELETE'
  readonly path: string
  readonly body?: unknown
}

const tenantName = fc.constantFrom('default', 'default', 'default', 'blue')
const networkName = fc.constantFrom('n1', 'n2', 'n3')
const groupName = fc.constantFrom('g1', 'g2', 'n3')
const policyName = fc.constantFrom('p1', 'p2')
const subnet = fc.constantFrom(
  '10.1.1.0/28',
  '10.1.2.0/24',
  '10.1.2.5-10.1.2.12/24',
  '10.1.2.20-10.1.2.30/24',
  '10.1.0.0/16',
  '10.1.3.0/31',
)
const perhaps = <T>(value: fc.Arbitrary<T>, otherwise: T) =>
  fc.oneof({ weight: 2, arbitrary: fc.constant(otherwise) }, { weight: 1, arbitrary: value })
const lastOctet = fc.integer({ min: 0, max: 16 })
const address = fc.tuple(fc.constantFrom(1, 2), lastOctet).map(([third, last]) => `10.1.${third}.${last}`)
const someOf = (...names: string[]) => fc.subarray(names)

/** Bodies by plural; the key is made of the named attributes. */
const objects: Readonly<
  Record<string, readonly [key: readonly string[], body: fc.Arbitrary<Record<string, unknown>>]>
> = {
  tenants: [['tenantName'], fc.record({ tenantName })],
  networks: [
    ['tenantName', 'networkName'],
    fc.record({
      tenantName,
      networkName,
      subnet,
      encap: fc.constantFrom('', 'vlan', 'vxlan'),
      pktTag: perhaps(fc.integer({ min: -1, max: 12 }), 0),
      gateway: perhaps(address, ''),
      ipv6Subnet: perhaps(fc.constantFrom('fd00:1::/125', 'fd00:2::/64'), ''),
      cfgdTag: perhaps(fc.constantFrom('red', 'green'), ''),
    }),
  ],
  endpointGroups: [
    ['tenantName', 'groupName'],
    fc.record({
      tenantName,
      groupName,
      networkName,
      ipPool: perhaps(
        fc
          .tuple(address, lastOctet)
          .map(([from, more]) => `${from}-${from.replace(/\d+$/, (last) => `${Number(last) + more}`)}`),
        '',
      ),
      policies: someOf('p1', 'p2'),
      netProfile: perhaps(fc.constant('slow'), ''),
      extContractsGrps: someOf('outside'),
    }),
  ],
  policys: [['tenantName', 'policyName'], fc.record({ tenantName, policyName })],
  rules: [
    ['tenantName', 'policyName', 'ruleId'],
    fc.record({
      tenantName,
      policyName,
      ruleId: fc.constantFrom('1', '2', '3'),
      direction: fc.constantFrom('in', 'in', 'out'),
      action: fc.constantFrom('allow', 'deny'),
      priority: fc.constantFrom(1, 10, 101),
      protocol: fc.constantFrom('tcp', 'udp', ''),
      fromEndpointGroup: perhaps(groupName, ''),
      fromNetwork: perhaps(networkName, ''),
    }),
  ],
  netprofiles: [
    ['tenantName', 'profileName'],
    fc.record({
      tenantName,
      profileName: fc.constant('slow'),
      bandwidth: fc.constantFrom('10Mbps', '10 ms'),
      burst: fc.constantFrom(0, 1, 20),
    }),
  ],
  extContractsGroups: [
    ['tenantName', 'contractsGroupName'],
    fc.record({
      tenantName,
      contractsGroupName: fc.constant('outside'),
      contractsType: fc.constantFrom('provided', 'consumed'),
      contracts: fc.constant(['uni/tn-common/brc-default']),
    }),
  ],
  appProfiles: [
    ['tenantName', 'appProfileName'],
    fc.record({ tenantName, appProfileName: fc.constantFrom('a1', 'a2'), endpointGroups: someOf('g1', 'g2', 'n3') }),
  ],
  serviceLBs: [
    ['tenantName', 'serviceName'],
    fc.record({
      tenantName,
      networkName,
      serviceName: fc.constantFrom('s1', 's2', 's3'),
      ipAddress: perhaps(address, ''),
      selectors: fc.constantFrom(['a=b'], ['a=b', 'c=d'], ['a']),
      ports: fc.constantFrom(['80:8080:TCP'], ['80:8080:TCP', '53:53:udp'], ['80']),
    }),
  ],
  Bgps: [
    ['hostname'],
    fc.record({ hostname: fc.constantFrom('h1', 'h2'), routerip: fc.constantFrom('50.1.1.1/24', '50.1.1.0/24') }),
  ],
  aciGws: [['name'], fc.record({ name: fc.constant('aciGw'), physicalDomain: fc.constantFrom('dom', '') })],
  volumes: [['tenantName', 'volumeName'], fc.record({ tenantName, volumeName: fc.constant('v') })],
  volumeProfiles: [['tenantName', 'volumeProfileName'], fc.record({ tenantName, volumeProfileName: fc.constant('v') })],
  globals: [
    ['name'],
    fc.record({
      name: fc.constant('global'),
      vlans: fc.constantFrom('1-8', '1-12', '2-12'),
      vxlans: fc.constantFrom('1-8', '1-12'),
      fwdMode: fc.constantFrom('routing', 'routing', 'bridge'),
      pvtSubnet: fc.constant('172.19.0.0/16'),
    }),
  ],
}

/** One attribute of a body is replaced, or one that nobody knows is added. */
const spoiled = (body: fc.Arbitrary<Record<string, unknown>>) =>
  fc
    .tuple(body, fc.nat(), fc.constantFrom<unknown>(null, -1, 'a_b', ['x'], {}, 'x'.repeat(300), '__proto__'))
    .map(([good, index, wrong]) => {
      const names = [...Object.keys(good), 'unknown']
      return { ...good, [names[index % names.length] ?? '']: wrong }
    })

function objectRequest(plural: string): fc.Arbitrary<ApiRequest> {
  const [keyNames, body] = objects[plural] ?? [[], fc.constant({})]
  const pathOf = (good: Record<string, unknown>) => `/api/v1/${plural}/${keyNames.map((name) => good[name]).join(':')}/`
  const method = fc.constantFrom('POST' as const, 'PUT' as const)
  const put = fc
    .tuple(method, body)
    .map(([verb, good]): ApiRequest => ({ method: verb, path: pathOf(good), body: good }))
  const wrong = fc
    .tuple(method, body, spoiled(body))
    .map(([verb, good, bad]): ApiRequest => ({ method: verb, path: pathOf(good), body: bad }))
  const remove = body.map((good): ApiRequest => ({ method: 'DELETE', path: pathOf(good) }))
  return fc.oneof({ weight: 6, arbitrary: put }, { weight: 1, arbitrary: wrong }, { weight: 2, arbitrary: remove })
}

const node = fc.constantFrom('node1', 'node2')
const endpointId = fc.constantFrom('e1', 'e2', 'e3', 'e4', 'e5', 'e6')
const place = { TenantName: tenantName, NetworkName: networkName, ServiceName: perhaps(groupName, '') }
const post =
  (path: string) =>
  (body: unknown): ApiRequest => ({ method: 'POST', path, body })

const nodeRequest: fc.Arbitrary<ApiRequest> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .record({
        ...place,
        EndpointID: endpointId,
        Node: node,
        ConfigEP: fc.record({ IPAddress: perhaps(address, '') }),
      })
      .map(post('/plugin/createEndpoint')),
  },
  {
    weight: 2,
    arbitrary: fc
      .record({ EndpointID: endpointId, Node: node, ReleaseAddresses: fc.boolean() })
      .map(post('/plugin/deleteEndpoint')),
  },
  {
    weight: 1,
    arbitrary: fc
      .record({ ...place, Node: node, PreferredIPv4Address: perhaps(address, '') })
      .map(post('/plugin/allocAddress')),
  },
  {
    weight: 1,
    arbitrary: fc.record({ ...place, Node: node, IPv4Address: address }).map(post('/plugin/releaseAddress')),
  },
)

/** Networks, groups and endpoints more often than what is only stored. */
export const apiRequest: fc.Arbitrary<ApiRequest> = fc.oneof(
  { weight: 8, arbitrary: objectRequest('networks') },
  { weight: 5, arbitrary: objectRequest('endpointGroups') },
  { weight: 4, arbitrary: objectRequest('serviceLBs') },
  { weight: 8, arbitrary: nodeRequest },
  ...Object.keys(objects).map((plural) => ({ weight: 1, arbitrary: objectRequest(plural) })),
)
