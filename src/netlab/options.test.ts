import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseLabOptions, type RawLabOptions } from './options.ts'

test('nothing said gives two hosts with tunnels and routing', () => {
  assert.deepEqual(parseLabOptions({}), {
    name: 'netplugin',
    hosts: 2,
    masters: 1,
    store: 'sqlite',
    netMode: 'vxlan',
    forwardMode: 'routing',
    uplinks: 1,
    mtu: 1600,
    datapath: 'auto',
    without: [],
    with: [],
    logLevel: 'info',
  })
})

test('VLANs are bridged unless told otherwise', () => {
  assert.equal(parseLabOptions({ netMode: 'vlan' }).forwardMode, 'bridge')
  assert.equal(parseLabOptions({ netMode: 'vlan', fwdMode: 'routing' }).forwardMode, 'routing')
})

test('with tunnels and VLANs there is an uplink for each', () => {
  const { uplinks, forwardMode } = parseLabOptions({ netMode: 'both' })
  assert.deepEqual([uplinks, forwardMode], [2, 'routing'])
  assert.throws(() => parseLabOptions({ netMode: 'both', uplinks: '1' }), /--uplinks: "1" is not .* from 2 to 4/)
})

test('without Docker there is nobody to load images', () => {
  assert.deepEqual(parseLabOptions({ docker: false }).without, ['docker', 'images'])
  assert.deepEqual(parseLabOptions({ without: 'netplugin,dockerd' }).without, ['docker', 'netplugin', 'images'])
})

test('what a lab has besides is named', () => {
  assert.deepEqual(parseLabOptions({ with: 'cni' }).with, ['cni'])
  assert.throws(() => parseLabOptions({ with: 'rkt' }), /--with: "rkt" is not one of cni/)
})

test('several netmasters need a store they can share', () => {
  assert.throws(() => parseLabOptions({ masters: '2' }), /add --store etcd/)
  assert.equal(parseLabOptions({ masters: '2', store: 'etcd' }).masters, 2)
})

const refused: readonly (readonly [RawLabOptions, RegExp])[] = [
  [{ hosts: '0' }, /the number of hosts: "0" is not a whole number from 1 to 100/],
  [{ hosts: '2.5' }, /number of hosts/],
  [{ hosts: '-1' }, /number of hosts/],
  [{ hosts: '101' }, /number of hosts/],
  [{ hosts: '2', masters: '3', store: 'etcd' }, /--masters/],
  [{ store: 'oracle' }, /--store: "oracle" is not one of sqlite, etcd, consul/],
  [{ netMode: 'gre' }, /--net-mode/],
  [{ fwdMode: 'nat' }, /--fwd-mode/],
  [{ uplinks: '5' }, /--uplinks/],
  [{ mtu: '100' }, /--mtu/],
  [{ datapath: 'dpdk' }, /--datapath/],
  [{ without: 'netmaster,nonsense' }, /--without: "nonsense"/],
  [{ logLevel: 'loud' }, /--log-level/],
  [{ name: '../etc' }, /--name: "\.\.\/etc" is no lab name/],
  [{ name: '' }, /--name/],
]

for (const [raw, message] of refused) {
  test(`${JSON.stringify(raw)} is refused with its reason`, () => {
    assert.throws(() => parseLabOptions(raw), { code: 'OPTION_INVALID', message })
  })
}
