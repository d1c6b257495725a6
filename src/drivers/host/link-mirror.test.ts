import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AddressInfo, LinkInfo } from '../../protocols/netlink/index.ts'
import { LinkMirror } from './link-mirror.ts'

const link = (index: number, name: string): LinkInfo => ({
  index,
  name,
  kind: 'veth',
  mac: '',
  mtu: 1500,
  up: true,
  carrier: true,
  alias: '',
  group: 0,
  masterIndex: 0,
})
const address = (index: number, text: string): AddressInfo => ({
  index,
  family: 4,
  address: text,
  prefixLength: 24,
  cidr: `${text}/24`,
  scope: 'global',
  tentative: false,
  duplicate: false,
  noPrefixRoute: false,
})

function filled(): LinkMirror {
  const mirror = new LinkMirror()
  mirror.fill([link(1, 'lo'), link(2, 'a')], [address(2, '10.0.0.1')])
  return mirror
}

test('a new mirror is stale, a filled one is not until it is distrusted', () => {
  assert.equal(new LinkMirror().isStale, true)
  const mirror = filled()
  assert.equal(mirror.isStale, false)
  mirror.distrust()
  assert.equal(mirror.isStale, true)
})

test('while nothing changes the same maps are handed out', () => {
  const mirror = filled()
  const [links, addresses] = [mirror.links(), mirror.addresses()]
  assert.equal(mirror.links(), links)
  assert.equal(mirror.addresses(), addresses)
})

test('a renamed link has its new name only', () => {
  const mirror = filled()
  mirror.take({ type: 'link', link: link(2, 'b') })
  assert.deepEqual([...mirror.links().keys()], ['lo', 'b'])
  assert.equal(mirror.link(2)?.name, 'b')
})

test('a link that is gone takes its addresses along', () => {
  const mirror = filled()
  mirror.take({ type: 'link-gone', link: link(2, 'a') })
  assert.deepEqual([...mirror.links().keys()], ['lo'])
  assert.deepEqual(mirror.addresses(), [])
})

test('addresses come and go', () => {
  const mirror = filled()
  mirror.take({ type: 'address', address: address(1, '127.0.0.1') })
  mirror.take({ type: 'address-gone', address: address(2, '10.0.0.1') })
  assert.deepEqual(
    mirror.addresses().map(({ cidr }) => cidr),
    ['127.0.0.1/24'],
  )
})

test('lost events make it stale', () => {
  const mirror = filled()
  mirror.take({ type: 'resync' })
  assert.equal(mirror.isStale, true)
})

test('what was handed out does not change', () => {
  const mirror = filled()
  const before = mirror.links()
  mirror.take({ type: 'link', link: link(3, 'c') })
  assert.equal(before.has('c'), false)
})
