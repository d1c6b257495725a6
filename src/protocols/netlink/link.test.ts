import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as captured from './captured.ts'
import { decodeLink, decodeVethPeer, encodeLinkChange, encodeLinkQuery, encodeNewLink, encodeVeth } from './link.ts'
import { readMessages } from './message.ts'

const body = (datagram: Buffer) => readMessages(datagram)[0]!.body

test('a veth pair is asked for as iproute2 asks', () => {
  const request = encodeVeth({ name: 'vp1', mtu: 1450, peer: { name: 'vc1', mac: '02:02:14:01:01:01', mtu: 1450 } })
  assert.deepEqual(request, body(captured.newVeth))
})

test('a request for a veth reads back as its two ends', () => {
  const request = body(captured.newVeth)
  const { name, kind, mtu, up } = decodeLink(request)
  assert.deepEqual({ name, kind, mtu, up }, { name: 'vp1', kind: 'veth', mtu: 1450, up: false })
  const peer = decodeVethPeer(request)
  assert.equal(peer?.name, 'vc1')
  assert.equal(peer?.mac, '02:02:14:01:01:01')
  assert.equal(peer?.mtu, 1450)
})

test('a veth may be born up, in a group, and its peer in another namespace', () => {
  const request = encodeVeth({
    name: 'a',
    group: 7,
    up: true,
    mac: '02:00:00:00:00:01',
    peer: { name: 'b', namespaceFd: 9 },
  })
  const { up, group, mac } = decodeLink(request)
  assert.deepEqual({ up, group, mac }, { up: true, group: 7, mac: '02:00:00:00:00:01' })
  const peer = decodeVethPeer(request)
  assert.equal(peer?.up, false)
  assert.ok(request.includes(Buffer.from('08001c0009000000', 'hex')), 'the descriptor of the namespace is in the peer')
})

test('changes of a link are asked for as iproute2 asks', () => {
  assert.deepEqual(encodeLinkChange({ index: 5 }, { up: true }), body(captured.setUp))
  assert.deepEqual(encodeLinkChange({ index: 5 }, { alias: 'netplugin:abc' }), body(captured.setAlias))
  assert.deepEqual(encodeLinkChange({ index: 5 }, {}), body(captured.deleteLink))
})

test('setting a link down changes only the up flag', () => {
  const request = encodeLinkChange({ index: 5 }, { up: false })
  assert.equal(request.toString('hex'), '00000000050000000000000001000000')
})

test('a link may be named instead of numbered, or renamed by its number', () => {
  assert.equal(encodeLinkChange({ name: 'x' }, {}).toString('hex'), `${'0'.repeat(32)}0600030078000000`)
  const rename = decodeLink(encodeLinkChange({ index: 5 }, { name: 'new' }))
  assert.deepEqual([rename.index, rename.name], [5, 'new'])
})

test('a query names the link or is a dump', () => {
  assert.equal(encodeLinkQuery({ name: 'vp1' }).toString('hex'), `${'0'.repeat(32)}080003007670310008001d0008000000`)
  assert.equal(encodeLinkQuery({ index: 3 }).readUInt32LE(4), 3)
  assert.equal(encodeLinkQuery().toString('hex'), `${'0'.repeat(32)}08001d0008000000`)
})

test('a link of another kind is asked for by its kind', () => {
  const { name, kind, up } = decodeLink(encodeNewLink('bridge', { name: 'br0', up: true }))
  assert.deepEqual({ name, kind, up }, { name: 'br0', kind: 'bridge', up: true })
})

test('a link is read from what the kernel sent', () => {
  const link = decodeLink(body(captured.linkAnswer))
  assert.match(link.mac, /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/)
  assert.deepEqual(
    { ...link, mac: '' },
    {
      index: 3,
      name: 'vp1',
      kind: 'veth',
      mac: '',
      mtu: 1450,
      up: true,
      carrier: false,
      alias: 'netplugin:abc',
      group: 0x6e70,
      masterIndex: 0,
      peerIndex: 2,
      peerNetnsId: 0,
    },
  )
})

test('the loopback device has no kind, no peer and no group', () => {
  assert.deepEqual(decodeLink(body(captured.loopbackAnswer)), {
    index: 1,
    name: 'lo',
    kind: '',
    mac: '00:00:00:00:00:00',
    mtu: 65536,
    up: false,
    carrier: true,
    alias: '',
    group: 0,
    masterIndex: 0,
  })
})

test('a body that ends early is a protocol error', () => {
  const whole = body(captured.linkAnswer)
  for (const length of [0, 8, 15, 20, 44]) {
    assert.throws(() => decodeLink(whole.subarray(0, length)), { code: 'TRUNCATED' }, `${length} bytes`)
  }
})
