import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isProblem } from '../../model/body.ts'
import type { Intent } from '../../model/intent.ts'
import { type Purpose, parseIntent } from './parse.ts'

function parsed(document: unknown, purpose: Purpose = 'desired'): Intent {
  const intent = parseIntent(document, purpose)
  if (isProblem(intent)) throw new Error(intent.message)
  return intent
}

function issuesOf(document: unknown, purpose: Purpose = 'desired'): readonly string[] {
  const refused = parseIntent(document, purpose)
  if (!isProblem(refused)) throw new Error('the document was accepted')
  assert.equal(refused.kind, 'invalid')
  assert.equal(refused.code, 'INVALID_INTENT')
  return refused.details?.issues as string[]
}

const tenant = (fields: object) => ({ Tenants: [{ Name: 'blue', ...fields }] })
const network = (fields: object) => tenant({ Networks: [{ Name: 'orange', ...fields }] })
const endpoint = (fields: object) => network({ Endpoints: [{ Container: 'web', ...fields }] })

test('a document with every field is read as it is written', () => {
  const intent = parsed({
    Hosts: [{ Name: 'host1', Intf: 'eth2', VtepIP: '192.168.2.10', NetID: 'infra' }],
    InfraNetworks: [{ Name: 'infra', PktTagType: 'vlan', PktTag: 4000 }],
    Tenants: [
      {
        Name: 'blue',
        DefaultNetType: 'vxlan',
        DefaultNetwork: 'orange',
        SubnetPool: '11.1.0.0/16',
        AllocSubnetLen: 24,
        VLANs: '11-28',
        VXLANs: '10001-14000',
        Networks: [
          {
            Name: 'orange',
            PktTagType: 'vlan',
            PktTag: 20,
            SubnetCIDR: '11.1.5.0/24',
            Gateway: '11.1.5.1',
            Endpoints: [
              { Container: 'web', Host: 'host1', AttachUUID: 'abc', IPAddress: '11.1.5.9', ServiceName: 'front' },
            ],
          },
        ],
      },
    ],
    HostBindings: [{ Container: 'web', Host: 'host2', AttachUUID: 'abc' }],
  })
  assert.deepEqual(intent, {
    hosts: [{ name: 'host1', intf: 'eth2', vtepIp: '192.168.2.10', netId: 'infra' }],
    infraNetworks: [{ name: 'infra', pktTagType: 'vlan', pktTag: 4000 }],
    tenants: [
      {
        name: 'blue',
        pools: {
          subnetPool: '11.1.0.0/16',
          allocSubnetLen: 24,
          vlans: '11-28',
          vxlans: '10001-14000',
          defaultNetType: 'vxlan',
        },
        defaultNetwork: 'orange',
        networks: [
          {
            name: 'orange',
            pktTagType: 'vlan',
            pktTag: 20,
            subnet: '11.1.5.0/24',
            sliceLength: 0,
            gateway: '11.1.5.1',
            multicast: '',
            nat: '',
            endpoints: [
              {
                container: 'web',
                host: 'host1',
                attachUuid: 'abc',
                ipAddress: '11.1.5.9',
                serviceName: 'front',
                alias: '',
              },
            ],
          },
        ],
      },
    ],
    bindings: [{ container: 'web', host: 'host2', attachUuid: 'abc' }],
  })
})

test('keys may be in any case, fields be null, and numbers be text', () => {
  const [blue] = parsed({
    TENANTS: [
      {
        name: 'blue',
        vlans: ' 11-20, 30 ',
        allocsubnetlen: '26',
        Networks: [{ NAME: 'orange', pkttag: 'auto', endpoints: null }],
      },
    ],
  }).tenants
  assert.equal(blue?.pools.vlans, '11-20,30-30')
  assert.equal(blue?.pools.allocSubnetLen, 26)
  assert.deepEqual(
    blue?.networks.map(({ name, pktTag, endpoints }) => [name, pktTag, endpoints]),
    [['orange', 0, []]],
  )
  assert.equal(parsed(network({ PktTag: '17' })).tenants[0]?.networks[0]?.pktTag, 17)
})

test('the fields of one tenant at the top mean the tenant default', () => {
  const { tenants } = parsed({
    DefaultNetType: 'vlan',
    SubnetPool: '11.1.0.9/16',
    Vlans: '11-28',
    Networks: [{ Name: 'orange', Endpoints: [{ Container: 'web' }] }],
    Hosts: [{ Name: 'host1', Intf: 'eth2' }],
  })
  assert.deepEqual(
    tenants.map(({ name, pools, networks }) => [name, pools.subnetPool, networks.length]),
    [['default', '11.1.0.0/16', 1]],
  )
})

test('host bindings are a field or a bare list', () => {
  const bindings = [{ container: 'web', host: 'host1', attachUuid: '' }]
  const list = [{ Container: '/web', Host: 'host1' }]
  assert.deepEqual(parsed(list, 'bindings').bindings, bindings)
  assert.deepEqual(parsed({ hostbindings: list }, 'bindings').bindings, bindings)
  assert.deepEqual(issuesOf(list), ['the document must be an object in braces, not a list'])
  assert.match(issuesOf({ Tenants: [] }, 'bindings')[0] ?? '', /^the document has no HostBindings; add them/)
})

test('an automatic subnet may have a length of its own', () => {
  const [orange] = parsed(network({ SubnetCIDR: '0/26' })).tenants[0]?.networks ?? []
  assert.deepEqual([orange?.subnet, orange?.sliceLength], ['', 26])
})

const refused: readonly (readonly [title: string, document: unknown, issue: RegExp])[] = [
  ['no object', 7, /^the document must be an object in braces, not 7$/],
  ['nothing in it', {}, /^the document has no Tenants; write "Tenants": \[\] to remove everything/],
  ['only hosts', { Hosts: [] }, /^the document has no Tenants/],
  ['two dialects', { Tenants: [], Vlans: '1-2' }, /^the document has both Tenants and fields of a tenant/],
  [
    'unknown fields',
    tenant({ SubnetPol: '11.1.0.0/16' }),
    /^Tenants\[0\]\.SubnetPol is not known here; did you mean SubnetPool\?$/,
  ],
  ['hostile keys', JSON.parse('{"Tenants":[],"__proto__":{"x":1}}'), /^__proto__ is not known here; remove it$/],
  ['a field twice', tenant({ Vlans: '1-2', VLANS: '3-4' }), /^Tenants\[0\]\.VLANS is given twice, as Vlans too/],
  ['no list', { Tenants: {} }, /^Tenants must be a list in brackets, not an object$/],
  ['a tenant without a name', { Tenants: [{}] }, /^Tenants\[0\]\.Name is missing or empty$/],
  ['a strange name', network({ Name: 'a b' }), /^Tenants\[0\]\.Networks\[0\]\.Name is not a name: "a b"; use letters/],
  ['a long name', network({ Name: 'x'.repeat(65) }), /Name is longer than 64 characters$/],
  [
    'tenants twice',
    { Tenants: [{ Name: 'a' }, { Name: 'a' }] },
    /^Tenants\[1\] is "a", as Tenants\[0\] is; name it once$/,
  ],
  [
    'networks twice',
    tenant({ Networks: [{ Name: 'a' }, { Name: 'a' }] }),
    /^Tenants\[0\]\.Networks\[1\] is "a", as Tenants\[0\]\.Networks\[0\] is/,
  ],
  ['containers twice', network({ Endpoints: [{ Container: 'a' }, { Container: 'a' }] }), /Endpoints\[1\] is "a"/],
  ['a net type', tenant({ DefaultNetType: 'gre' }), /^Tenants\[0\]\.DefaultNetType must be vlan or vxlan, not "gre"$/],
  ['a pool', tenant({ SubnetPool: '11.1.0.0' }), /^Tenants\[0\]\.SubnetPool is not an address with a length/],
  [
    'a slice larger than its pool',
    tenant({ SubnetPool: '11.1.0.0/16', AllocSubnetLen: 8 }),
    /AllocSubnetLen 8 makes subnets larger than SubnetPool/,
  ],
  ['a length', tenant({ AllocSubnetLen: -1 }), /AllocSubnetLen must be a whole number from 0 to 30, not -1$/],
  [
    'a range that ends too early',
    tenant({ VLANs: '28-11' }),
    /^Tenants\[0\]\.VLANs cannot be used: .* ends before it starts$/,
  ],
  ['too many VLANs', tenant({ VLANs: '1-5000' }), /VLANs cannot be used: .* goes beyond 4095$/],
  ['several VXLAN ranges', tenant({ VXLANs: '1-2,5-6' }), /VXLANs cannot be used: .* more than one range/],
  ['a tag', network({ PktTag: 1.5 }), /PktTag must be a whole number from 0 to 16777215 or "auto", not 1\.5$/],
  ['a subnet', network({ SubnetCIDR: '11.1.1.0/33' }), /SubnetCIDR cannot be used: .* length from 1 to 31/],
  [
    'a gateway outside',
    network({ SubnetCIDR: '11.1.1.0/24', Gateway: '11.1.2.1' }),
    /Gateway 11\.1\.2\.1 is not a host address of SubnetCIDR 11\.1\.1\.0\/24$/,
  ],
  [
    'a gateway of nothing',
    network({ Gateway: '11.1.1.1' }),
    /Gateway is given, but the subnet is chosen automatically/,
  ],
  ['no container', network({ Endpoints: [{ Host: 'host1' }] }), /Endpoints\[0\]\.Container is missing or empty/],
  ['an address', endpoint({ IPAddress: 'x' }), /IPAddress is not an IPv4 address: "x"$/],
  ['text that is none', endpoint({ Host: 5 }), /Host must be text in quotes, not 5$/],
  ['a host with nothing', { Tenants: [], Hosts: [{ Name: 'host1' }] }, /^Hosts\[0\] names neither Intf .* nor VtepIP/],
  ['a binding to nothing', { Tenants: [], HostBindings: [{ Container: 'web' }] }, /^HostBindings\[0\] binds nothing/],
]

for (const [title, document, issue] of refused) {
  test(`refused, with the place in the document: ${title}`, () => assert.match(issuesOf(document)[0] ?? '', issue))
}

test('all that is wrong is told at once', () => {
  const issues = issuesOf(tenant({ VLANs: 'x', AllocSubnetLen: 99, Networks: [{ Name: '' }, { Name: '-' }] }))
  assert.equal(issues.length, 4)
})

const word = fc.constantFrom(
  'Tenants',
  'tenants',
  'Name',
  'Networks',
  'Endpoints',
  'Container',
  'VLANs',
  'PktTag',
  'Hosts',
  'HostBindings',
  'SubnetCIDR',
  '__proto__',
)
const leaf = fc.oneof(
  fc.string(),
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
  fc.double(),
  fc.constantFrom('1-5', '10.0.0.0/8', 'auto'),
)
const { json } = fc.letrec<{ json: unknown }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 6 },
    leaf,
    fc.array(tie('json'), { maxLength: 4 }),
    fc
      .array(fc.tuple(fc.oneof(word, fc.string()), tie('json')), { maxLength: 5 })
      .map((pairs) => Object.fromEntries(pairs)),
  ),
}))

test('whatever the document, it is read or refused with a place', () => {
  fc.assert(
    fc.property(json, fc.constantFrom<Purpose>('desired', 'add', 'delete', 'bindings'), (document, purpose) => {
      const intent = parseIntent(document, purpose)
      if (isProblem(intent)) assert.ok(intent.message.length > 0 && intent.message.length < 5_000)
      else assert.ok(Array.isArray(intent.tenants))
    }),
    { numRuns: 3_000 },
  )
})
