// The netlink library on a real kernel, each test in a network namespace of its own. Needs root.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { closeSync, readlinkSync } from 'node:fs'
import {
  createNamespace,
  disableTxChecksum,
  hasGenericFamily,
  hasTxChecksum,
  inNamespace,
  linkIndex,
  Netlink,
  withNetlink,
} from '../../src/protocols/netlink/index.ts'
import { descriptors, kernelTest } from '../support/kernel.ts'

const thisNamespace = () => readlinkSync('/proc/thread-self/ns/net')

/** What `ip -j -d link show` says of a link. */
interface ShownLink {
  readonly ifindex: number
  readonly ifname: string
  readonly mtu: number
  readonly address: string
  readonly ifalias?: string
  readonly group: string
  readonly flags: readonly string[]
  readonly linkinfo?: { readonly info_kind?: string }
}

kernelTest('a veth is made as ip shows it', (netlink) => {
  const peer = { name: 'b', mac: '02:02:0a:00:00:01', mtu: 1400, up: true }
  netlink.createVeth({ name: 'a', mac: '02:02:0a:00:00:02', mtu: 1450, group: 7, alias: 'mark', up: true, peer })
  const shown: ShownLink[] = JSON.parse(execFileSync('ip', ['-j', '-d', 'link', 'show'], { encoding: 'utf8' }))
  assert.equal(shown.length, 3)
  for (const link of netlink.links()) {
    const other = shown.find((candidate) => candidate.ifname === link.name)!
    const { ifindex, mtu, address, ifalias = '', group, linkinfo, flags } = other
    const named = { index: ifindex, mtu, mac: address, alias: ifalias, kind: linkinfo?.info_kind ?? '' }
    const { index, mac, alias, kind } = link
    assert.deepEqual({ index, mtu: link.mtu, mac, alias, kind }, named)
    assert.equal(link.up, flags.includes('UP'))
    assert.equal(link.group, group === 'default' ? 0 : Number(group))
  }
  assert.equal(netlink.link('a')?.peerIndex, netlink.link('b')?.index)
  assert.equal(netlink.link('b')?.up, true)
  assert.equal(netlink.link('a')?.carrier, true)
  assert.deepEqual(netlink.link(linkIndex('a')), netlink.link('a'))
})

kernelTest('a peer is born in another namespace, up and with its address', (netlink) => {
  const container = createNamespace()
  try {
    const peer = { name: 'eth0', mac: '02:02:0a:00:00:01', namespaceFd: container, up: true }
    netlink.createVeth({ name: 'a', up: true, peer })
    assert.deepEqual(
      netlink.links().map(({ name }) => name),
      ['lo', 'a'],
    )
    assert.equal(typeof netlink.link('a')?.peerNetnsId, 'number')
    const inside = inNamespace(container, () => withNetlink((there) => there.link('eth0')))
    assert.deepEqual([inside?.mac, inside?.up], ['02:02:0a:00:00:01', true])
    netlink.deleteLink('a')
    assert.equal(
      inNamespace(container, () => withNetlink((there) => there.link('eth0'))),
      undefined,
    )
  } finally {
    closeSync(container)
  }
})

kernelTest('links are renamed, put into a bridge, moved and deleted', (netlink) => {
  netlink.createLink('bridge', { name: 'br', up: true })
  netlink.createVeth({ name: 'a', peer: { name: 'b' } })
  const bridge = linkIndex('br')
  netlink.setLink('a', { name: 'renamed', mtu: 1300, mac: '02:00:00:00:00:05', masterIndex: bridge, up: true })
  const { name, mtu, mac, masterIndex, up } = netlink.link('renamed')!
  assert.deepEqual([name, mtu, mac, masterIndex, up], ['renamed', 1300, '02:00:00:00:00:05', bridge, true])
  netlink.setLink('renamed', { masterIndex: 0, up: false })
  assert.deepEqual([netlink.link('renamed')?.masterIndex, netlink.link('renamed')?.up], [0, false])
  const other = createNamespace()
  netlink.setLink('b', { namespaceFd: other })
  closeSync(other)
  assert.equal(netlink.link('b'), undefined)
  netlink.deleteLink('renamed')
  netlink.deleteLink(bridge)
  assert.deepEqual(
    netlink.links().map((link) => link.name),
    ['lo'],
  )
})

kernelTest('many links go in the time of a few', (netlink) => {
  for (let number = 0; number < 100; number++) netlink.createVeth({ name: `a${number}`, peer: { name: `b${number}` } })
  netlink.createVeth({ name: 'stays', group: 0x7fff_0000, peer: { name: 'peer' } })
  const [first, ...rest] = netlink.links().filter((link) => /^a/.test(link.name))
  const started = performance.now()
  const errors = netlink.deleteLinks([first!.index, 99_999, ...rest.map((link) => link.index)])
  // One by one it takes about 2 s.
  assert.ok(performance.now() - started < 1_000, `${performance.now() - started} ms`)
  assert.deepEqual(
    errors.map((error) => error?.code),
    errors.map((_, index) => (index === 1 ? 'NETLINK_ENODEV' : undefined)),
  )
  assert.deepEqual(
    netlink
      .links()
      .map(({ name }) => name)
      .sort(),
    ['lo', 'peer', 'stays'],
  )
})

kernelTest('a link that cannot be deleted does not keep the others', (netlink) => {
  netlink.createVeth({ name: 'a', peer: { name: 'b' } })
  const errors = netlink.deleteLinks([linkIndex('lo'), linkIndex('a')])
  assert.deepEqual(
    errors.map((error) => error?.code),
    ['NETLINK_ENOTSUP', undefined],
  )
  assert.deepEqual(
    netlink.links().map(({ name }) => name),
    ['lo'],
  )
})

kernelTest('addresses are added, listed and removed', (netlink) => {
  netlink.createVeth({ name: 'a', up: true, peer: { name: 'b' } })
  const index = linkIndex('a')
  netlink.addAddress(index, '10.1.2.3/24')
  netlink.addAddress(index, 'fd00:1::5/64', { nodad: true, noprefixroute: true })
  const mine = () => netlink.addresses().filter((address) => address.index === index && address.scope === 'global')
  assert.deepEqual(
    mine().map(({ cidr, tentative, noPrefixRoute }) => [cidr, tentative, noPrefixRoute]),
    [
      ['10.1.2.3/24', false, false],
      ['fd00:1::5/64', false, true],
    ],
  )
  assert.throws(() => netlink.addAddress(index, '10.1.2.3/24'), { kind: 'conflict', code: 'NETLINK_EEXIST' })
  netlink.deleteAddress(index, '10.1.2.3/24')
  netlink.deleteAddress(index, 'fd00:1::5/64')
  assert.deepEqual(mine(), [])
})

kernelTest('routes are listed by protocol, replaced and removed, in both families', (netlink) => {
  assert.deepEqual(netlink.routes(), [], 'a namespace without routes has none')
  netlink.createVeth({ name: 'a', up: true, peer: { name: 'b', up: true } })
  const deviceIndex = linkIndex('a')
  netlink.addAddress(deviceIndex, '10.0.0.1/24')
  netlink.addAddress(deviceIndex, 'fd00::1/64', { nodad: true })
  const v4 = { destination: '20.0.0.0/8', deviceIndex, protocol: 78 }
  netlink.addRoute({ ...v4, via: '10.0.0.2', source: '10.0.0.1' })
  netlink.addRoute({ destination: '30.0.0.0/8', via: '192.168.1.1', deviceIndex, protocol: 78, onLink: true })
  netlink.addRoute({ destination: 'fd20::/16', via: 'fd00::2', deviceIndex, protocol: 78 })
  netlink.addRoute({ destination: '0.0.0.0/0', via: '10.0.0.9', deviceIndex, protocol: 4, metric: 50, table: 1000 })
  const own = () => netlink.routes({ protocol: 78 }).map(({ destination, via, source }) => [destination, via, source])
  assert.deepEqual(own(), [
    ['20.0.0.0/8', '10.0.0.2', '10.0.0.1'],
    ['30.0.0.0/8', '192.168.1.1', undefined],
    ['fd20::/16', 'fd00::2', undefined],
  ])
  assert.deepEqual(
    netlink.routes({ table: 1000 }).map(({ metric, destination }) => [metric, destination]),
    [[50, '0.0.0.0/0']],
  )
  assert.ok(
    netlink.routes({ table: 0 }).some((route) => route.table === 255),
    'all tables hold the local one',
  )
  assert.throws(() => netlink.addRoute(v4), { code: 'NETLINK_EEXIST' })
  netlink.replaceRoute({ ...v4, via: '10.0.0.3' })
  assert.deepEqual(own()[0], ['20.0.0.0/8', '10.0.0.3', undefined])
  assert.throws(() => netlink.deleteRoute({ ...v4, protocol: 3 }), { kind: 'not-found' })
  netlink.deleteRoute(v4)
  netlink.deleteRoute({ destination: 'fd20::/16', deviceIndex, protocol: 78 })
  assert.deepEqual(own(), [['30.0.0.0/8', '192.168.1.1', undefined]])
})

kernelTest('errors carry code, kind and the words of the kernel', (netlink) => {
  netlink.createVeth({ name: 'a', peer: { name: 'b' } })
  assert.throws(() => netlink.createVeth({ name: 'a', peer: { name: 'c' } }), {
    kind: 'conflict',
    code: 'NETLINK_EEXIST',
    message: /cannot create the veth a with its peer c: .*\(EEXIST\)/,
  })
  assert.throws(() => netlink.deleteLink('none'), { kind: 'not-found', code: 'NETLINK_ENODEV' })
  assert.throws(() => netlink.setLink('none', { name: 'x' }), { kind: 'not-found', code: 'NETLINK_ENODEV' })
  assert.throws(() => netlink.createLink('no-such-kind', { name: 'x' }), { message: /Unknown device type/ })
  const nowhere = { destination: '20.0.0.0/8', via: '10.9.9.9', deviceIndex: linkIndex('a'), protocol: 78 }
  assert.throws(() => netlink.addRoute(nowhere), { code: /NETLINK_ENET(UNREACH|DOWN)/ })
  // The connection is as good as before.
  assert.equal(netlink.link('a')?.name, 'a')
})

kernelTest('a closed connection says so', (netlink) => {
  netlink.close()
  assert.throws(() => netlink.links(), { code: 'NETLINK_CLOSED' })
  netlink.close()
})

kernelTest('work in another namespace leaves this thread where it was, also when it throws or is nested', () => {
  const home = thisNamespace()
  const [one, two] = [createNamespace(), createNamespace()]
  try {
    const seen = inNamespace(one, () => [thisNamespace(), inNamespace(two, thisNamespace), thisNamespace()])
    assert.equal(new Set([home, ...seen]).size, 3)
    assert.equal(seen[0], seen[2])
    assert.equal(inNamespace(`/proc/self/fd/${one}`, thisNamespace), seen[0])
    assert.throws(() => inNamespace(one, () => assert.fail('on purpose')), /on purpose/)
    assert.equal(thisNamespace(), home)
    assert.throws(() => inNamespace(one, async () => 1), { code: 'NAMESPACE_ASYNC' })
    assert.throws(() => inNamespace('/proc/none/ns/net', () => 1), { code: 'NAMESPACE_MISSING' })
    assert.throws(() => inNamespace('/proc/thread-self/ns/uts', () => 1), { code: 'NETLINK_EINVAL' })
    assert.equal(thisNamespace(), home)
  } finally {
    closeSync(one)
    closeSync(two)
  }
})

kernelTest('a connection stays in the namespace in which it was opened', (netlink) => {
  const other = createNamespace()
  const there = Netlink.open({ namespace: `/proc/self/fd/${other}` })
  closeSync(other)
  there.createVeth({ name: 'far', peer: { name: 'farther' } })
  assert.equal(netlink.link('far'), undefined)
  assert.equal(there.link('far')?.name, 'far')
  there.close()
})

kernelTest('transmit checksums are switched off, as ethtool shows', (netlink) => {
  netlink.createVeth({ name: 'a', peer: { name: 'b' } })
  assert.equal(hasTxChecksum('a'), true)
  disableTxChecksum('a')
  disableTxChecksum('a')
  assert.equal(hasTxChecksum('a'), false)
  assert.equal(hasTxChecksum('b'), true)
  assert.match(execFileSync('ethtool', ['-k', 'a'], { encoding: 'utf8' }), /^tx-checksumming: off$/m)
  assert.throws(() => disableTxChecksum('none'), { kind: 'not-found', code: 'NETLINK_ENODEV' })
  assert.throws(() => disableTxChecksum('a-name-of-16-byte'), { code: 'BAD_LINK_NAME' })
})

kernelTest('generic families are there or not', () => {
  assert.equal(hasGenericFamily('nlctrl'), true)
  assert.equal(hasGenericFamily('no-such-family'), false)
})

kernelTest('nothing is left open by many calls, failed ones included', (netlink) => {
  netlink.createVeth({ name: 'a', peer: { name: 'b' } })
  const before = descriptors()
  for (let round = 0; round < 50; round++) {
    withNetlink((other) => other.links())
    closeSync(createNamespace())
    hasTxChecksum('a')
    hasGenericFamily('no-such-family')
    assert.throws(() => hasTxChecksum('none'))
    assert.throws(() => Netlink.open({ namespace: '/proc/thread-self/ns/uts' }))
  }
  assert.equal(descriptors(), before)
})

kernelTest('a learnt neighbour is forgotten, one set by hand is known as such', (netlink) => {
  netlink.createVeth({
    name: 'a',
    mtu: 1500,
    up: true,
    peer: { name: 'b', mac: '02:00:00:00:00:0b', mtu: 1500, up: true },
  })
  const index = linkIndex('a')
  const ip = (...args: string[]) => execFileSync('ip', args)
  ip('neigh', 'add', '10.0.0.2', 'lladdr', '02:00:00:00:00:02', 'dev', 'a', 'nud', 'reachable')
  ip('neigh', 'add', '10.0.0.3', 'lladdr', '02:00:00:00:00:03', 'dev', 'a', 'nud', 'permanent')
  const ours = () => netlink.neighbours().filter((neighbour) => neighbour.index === index)
  assert.deepEqual(
    ours().sort((left, right) => (left.address < right.address ? -1 : 1)),
    [
      { index, address: '10.0.0.2', mac: '02:00:00:00:00:02', fixed: false },
      { index, address: '10.0.0.3', mac: '02:00:00:00:00:03', fixed: true },
    ],
  )
  netlink.deleteNeighbour(index, '10.0.0.2')
  assert.throws(() => netlink.deleteNeighbour(index, '10.0.0.2'), { code: 'NETLINK_ENOENT', kind: 'not-found' })
  assert.deepEqual(
    ours().map(({ address }) => address),
    ['10.0.0.3'],
  )
})
