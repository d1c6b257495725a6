import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { parseIpv6 } from '../../lib/address.ts'
import { Datagrams, type Reply } from './datagrams.ts'
import { SocketAddresses, socketAddress } from './socket-address.ts'

const soon = () => AbortSignal.timeout(5_000)

async function serve(t: TestContext, reply: Reply, address = '127.0.0.1') {
  const datagrams = new Datagrams({ address, port: 0, shared: false }, reply, assert.fail)
  const { port } = await datagrams.start()
  t.after(() => datagrams.close())
  return { datagrams, port }
}

async function client(t: TestContext, address: string) {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
  await new Promise<void>((resolve) => socket.bind(0, address, resolve))
  const heard: string[] = []
  socket.on('message', (message) => heard.push(message.toString()))
  t.after(() => socket.close())
  return { socket, heard }
}

for (const [family, addresses] of [
  ['IPv4', ['127.0.0.1', '127.0.0.2', '127.0.0.3']],
  ['IPv6', ['::1', '::1', '::1']],
] as const) {
  test(`of many ${family} datagrams that are there at once each sender gets the replies to its own`, async (t) => {
    const { port } = await serve(
      t,
      (message, { address, port }) => Buffer.from(`${message.toString()} ${address} ${port}`),
      addresses[0],
    )
    const each = 60
    const clients = await Promise.all(addresses.map((address) => client(t, address)))
    for (let index = 0; index < each; index++) {
      for (const { socket } of clients) socket.send(`q${index}`, port, addresses[0])
    }
    const all = clients.map(async ({ socket, heard }) => {
      while (heard.length < each) await once(socket, 'message', { signal: soon() })
    })
    await Promise.all(all)
    for (const { socket, heard } of clients) {
      const { address, port } = socket.address()
      const expected = Array.from({ length: each }, (_, index) => `q${index} ${address} ${port}`)
      assert.deepEqual(heard.toSorted(), expected.toSorted())
    }
  })
}

test('who is not answered hinders nobody, and neither does who has gone', async (t) => {
  const { port } = await serve(t, (message) => (message.toString() === 'silence' ? undefined : Buffer.from(message)))
  const [gone, stays] = [createSocket('udp4'), await client(t, '127.0.0.1')]
  for (const word of ['a', 'silence', 'b', 'x'.repeat(5_000), 'c']) {
    gone.send(word, port, '127.0.0.1')
    stays.socket.send(word, port, '127.0.0.1')
  }
  gone.close()
  while (stays.heard.length < 3) await once(stays.socket, 'message', { signal: soon() })
  assert.deepEqual(stays.heard, ['a', 'b', 'c'])
})

test('what is closed while it replies sends no more', async (t) => {
  const closed = Promise.withResolvers<void>()
  let asked = 0
  const { datagrams, port } = await serve(t, (message) => {
    asked += 1
    datagrams.close().then(closed.resolve, closed.reject)
    return message
  })
  const { socket, heard } = await client(t, '127.0.0.1')
  for (let index = 0; index < 10; index++) socket.send('q', port, '127.0.0.1')
  await closed.promise
  assert.deepEqual([asked, heard], [1, []])
})

test('an address that cannot be had is an error', () => {
  assert.throws(() => new Datagrams({ address: '192.0.2.1', port: 0, shared: false }, () => undefined, assert.fail), {
    code: 'UDP_FAILED',
    message: 'EADDRNOTAVAIL',
  })
})

test('socket addresses survive', () => {
  const peers = (address: fc.Arbitrary<string>) =>
    fc.record({ address, port: fc.nat(65_535) }, { noNullPrototype: true })
  const [known4, known6] = [new SocketAddresses(4), new SocketAddresses(6)]
  fc.assert(
    fc.property(peers(fc.ipV4()), (peer) => {
      assert.deepEqual(known4.read(known4.write(peer)), peer)
      assert.deepEqual(known4.write(peer), socketAddress(peer.address, peer.port))
      assert.equal(known6.read(known4.write(peer)), undefined)
    }),
  )
  fc.assert(
    fc.property(peers(fc.ipV6()), (peer) => {
      const read = known6.read(known6.write(peer))
      assert.deepEqual([read?.port, parseIpv6(read?.address ?? '')], [peer.port, parseIpv6(peer.address)])
      assert.equal(known4.read(known6.write(peer)), undefined)
    }),
  )
})
