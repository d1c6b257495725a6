import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AddressInfo, LinkInfo, RouteInfo } from '../../protocols/netlink/index.ts'
import { type DesiredHostPort, type HostFacts, ownRouteProtocol, planHost } from './host.ts'
import { type DesiredVeth, ownLinkGroup } from './veths.ts'

const veth: DesiredVeth = {
  kind: 'veth',
  name: 'v1',
  peer: 'c1',
  mac: '02:02:0a:00:00:01',
  mtu: 1450,
  alias: 'netplugin:one',
  txChecksum: false,
}
const port: DesiredHostPort = {
  kind: 'internal',
  name: 'hp',
  mac: '02:02:00:00:00:01',
  addresses: ['172.19.0.1/16'],
  mtu: 1450,
  routes: [{ destination: '20.1.1.0/24' }],
}

const plain: LinkInfo = {
  index: 10,
  name: '',
  kind: '',
  mac: '',
  mtu: 1450,
  up: true,
  carrier: true,
  alias: '',
  group: 0,
  masterIndex: 0,
}
const hostEnd: LinkInfo = {
  ...plain,
  name: 'v1',
  kind: 'veth',
  alias: 'netplugin:one',
  group: ownLinkGroup,
  peerIndex: 9,
}
const peerEnd: LinkInfo = { ...plain, index: 9, name: 'c1', kind: 'veth', mac: veth.mac, up: false, peerIndex: 10 }
const tap: LinkInfo = { ...plain, index: 20, name: 'hp', kind: 'tun', mac: port.mac }

const address = (cidr: string, more: Partial<AddressInfo> = {}): AddressInfo => ({
  index: 20,
  family: 4,
  address: cidr.split('/')[0]!,
  prefixLength: Number(cidr.split('/')[1]),
  cidr,
  scope: 'global',
  tentative: false,
  duplicate: false,
  noPrefixRoute: false,
  ...more,
})

const route = (destination: string, more: Partial<RouteInfo> = {}): RouteInfo => ({
  family: 4,
  destination,
  deviceIndex: 20,
  protocol: ownRouteProtocol,
  scope: 'link',
  type: 'unicast',
  table: 254,
  metric: 0,
  onLink: false,
  ...more,
})

const facts = (links: readonly LinkInfo[], more: Partial<HostFacts> = {}): HostFacts => ({
  links: new Map(links.map((link) => [link.name, link])),
  addresses: [],
  routes: [],
  hasKernelOpenVswitch: false,
  ...more,
})

const plan = (is: HostFacts, more: { veths?: DesiredVeth[]; hostPorts?: DesiredHostPort[]; remove?: boolean } = {}) =>
  planHost({ veths: more.veths ?? [], hostPorts: more.hostPorts ?? [] }, is, { remove: more.remove ?? true })

test('a new veth is made in one step', () => {
  const { kind: _, ...rest } = veth
  assert.deepEqual(plan(facts([]), { veths: [veth] }), [{ kind: 'create-veth', ...rest }])
})

test('a name that a foreign link has gives the step that will tell of the conflict, and none for that link', () => {
  const foreign = { ...hostEnd, alias: 'theirs', group: 0, up: false, mtu: 9000 }
  assert.deepEqual(
    plan(facts([foreign]), { veths: [veth] }).map((step) => step.kind),
    ['create-veth'],
  )
})

test('where the switch is in the kernel, a veth that is not up only needs to be', () => {
  const steps = plan(facts([{ ...hostEnd, up: false }]), { veths: [{ ...veth, txChecksum: true }] })
  assert.deepEqual(steps, [{ kind: 'set-link', name: 'v1', index: 10, up: true }])
})

test('a finished veth needs nothing, with its peer here or in a container', () => {
  assert.deepEqual(plan(facts([hostEnd, peerEnd]), { veths: [veth] }), [])
  assert.deepEqual(plan(facts([hostEnd]), { veths: [veth] }), [])
})

test('a veth that is not up was not finished: checksums again, then up', () => {
  const down = { ...hostEnd, up: false }
  assert.deepEqual(plan(facts([down, peerEnd]), { veths: [veth] }), [
    { kind: 'disable-tx-checksum', name: 'v1' },
    { kind: 'disable-tx-checksum', name: 'c1' },
    { kind: 'set-link', name: 'v1', index: 10, up: true },
  ])
  assert.deepEqual(plan(facts([down]), { veths: [veth] }), [
    { kind: 'disable-tx-checksum', name: 'v1' },
    { kind: 'set-link', name: 'v1', index: 10, up: true },
  ])
})

test('a new MTU is set on the host end, and on the peer while it is here', () => {
  const larger = { ...veth, mtu: 1500 }
  assert.deepEqual(plan(facts([hostEnd]), { veths: [larger] }), [
    { kind: 'set-link', name: 'v1', index: 10, mtu: 1500 },
  ])
  assert.deepEqual(plan(facts([hostEnd, peerEnd]), { veths: [larger] }), [
    { kind: 'set-link', name: 'c1', index: 9, mtu: 1500 },
    { kind: 'set-link', name: 'v1', index: 10, mtu: 1500 },
  ])
})

test('a link that only has the name of the peer is not touched', () => {
  const stranger = { ...peerEnd, peerIndex: 77, mtu: 9000, mac: '02:00:00:00:00:09' }
  assert.deepEqual(plan(facts([hostEnd, stranger]), { veths: [veth] }), [])
  const elsewhere = { ...peerEnd, peerNetnsId: 3, mtu: 9000 }
  assert.deepEqual(plan(facts([hostEnd, elsewhere]), { veths: [veth] }), [])
})

test('a veth of another endpoint under the same name is made anew, also before anything may be removed', () => {
  const other = { ...hostEnd, alias: 'netplugin:two' }
  const steps = plan(facts([other, peerEnd]), { veths: [veth], remove: false })
  assert.deepEqual(steps[0], { kind: 'delete-link', name: 'v1', index: 10 })
  assert.equal(steps[1]?.kind, 'create-veth')
})

test('a veth that an agent left without an alias is known by its group', () => {
  const half = { ...hostEnd, alias: '', up: false }
  assert.deepEqual(plan(facts([half, peerEnd])), [{ kind: 'delete-link', name: 'v1', index: 10 }])
  assert.deepEqual(
    plan(facts([half, peerEnd]), { veths: [veth] }).map((step) => step.kind),
    ['delete-link', 'create-veth'],
  )
})

test('veths that are ours and not desired go, when removal is allowed', () => {
  assert.deepEqual(plan(facts([hostEnd, peerEnd])), [{ kind: 'delete-link', name: 'v1', index: 10 }])
  assert.deepEqual(plan(facts([hostEnd, peerEnd]), { remove: false }), [])
})

test('what does not carry our mark stays', () => {
  const foreign = [
    { ...hostEnd, alias: '', group: 0 },
    { ...hostEnd, name: 'v2', alias: 'somebody:one' },
    { ...hostEnd, name: 'v3', kind: 'dummy' },
    { ...hostEnd, name: 'v4', alias: ' netplugin:one' },
  ]
  assert.deepEqual(plan(facts(foreign)), [])
})

test('a host port waits for the switch to make it', () => {
  assert.deepEqual(plan(facts([]), { hostPorts: [port] }), [])
})

test('a link of another kind under the name of a host port is not touched', () => {
  const dummy = { ...tap, kind: 'dummy', up: false, mtu: 9000 }
  assert.deepEqual(plan(facts([dummy], { addresses: [address('10.0.0.1/8')] }), { hostPorts: [port] }), [])
})

test('a new host port gets its link settings, then addresses, then routes', () => {
  const fresh = { ...tap, up: false, mtu: 1500, mac: '02:00:00:00:00:02' }
  assert.deepEqual(plan(facts([fresh]), { hostPorts: [port] }), [
    { kind: 'set-link', name: 'hp', index: 20, mac: port.mac, mtu: 1450, up: true },
    { kind: 'add-address', name: 'hp', index: 20, address: '172.19.0.1/16' },
    { kind: 'add-route', index: 20, destination: '20.1.1.0/24' },
  ])
})

test('a finished host port needs nothing, however its addresses are written', () => {
  const written = { ...port, addresses: ['172.19.0.1/16', 'FD00:0::1/64'], mac: port.mac.toUpperCase() }
  const held = [
    address('172.19.0.1/16'),
    address('fd00::1/64', { family: 6 }),
    address('fe80::1/64', { scope: 'link' }),
  ]
  assert.deepEqual(
    plan(facts([tap], { addresses: held, routes: [route('20.1.1.0/24')] }), { hostPorts: [written] }),
    [],
  )
})

test('addresses that are too many on a host port go when removal is allowed; those of other links stay', () => {
  const held = [address('172.19.0.1/16'), address('10.0.0.1/8'), address('10.0.0.2/8', { index: 3 })]
  const is = facts([tap], { addresses: held, routes: [route('20.1.1.0/24')] })
  assert.deepEqual(plan(is, { hostPorts: [port] }), [
    { kind: 'delete-address', name: 'hp', index: 20, address: '10.0.0.1/8' },
  ])
  assert.deepEqual(plan(is, { hostPorts: [port], remove: false }), [])
})

test('a route that leads elsewhere now is taken away before the new one is added', () => {
  const is = facts([tap], {
    addresses: [address('172.19.0.1/16')],
    routes: [route('20.1.1.0/24', { via: '172.19.0.9' })],
  })
  assert.deepEqual(plan(is, { hostPorts: [port], remove: false }), [
    { kind: 'delete-route', index: 20, destination: '20.1.1.0/24', via: '172.19.0.9', metric: 0 },
    { kind: 'add-route', index: 20, destination: '20.1.1.0/24' },
  ])
})

test('our routes that nothing asks for go when removal is allowed; those of others stay', () => {
  const is = facts([], { routes: [route('20.1.9.0/24', { metric: 1024 }), route('20.1.8.0/24', { protocol: 3 })] })
  assert.deepEqual(plan(is), [{ kind: 'delete-route', index: 20, destination: '20.1.9.0/24', metric: 1024 }])
  assert.deepEqual(plan(is, { remove: false }), [])
})
