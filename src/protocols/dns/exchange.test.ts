// The forwarder over real sockets.

import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import { decode } from 'dns-packet'
import { systemClock } from '../../lib/clock.ts'
import { silentLog } from '../../lib/log.ts'
import { failure, localAnswer } from './answer.ts'
import { exchange, type Upstream } from './exchange.ts'
import { Forwarder } from './forwarder.ts'
import { DnsServer, type Resolve } from './server.ts'
import { address, queryFor, respond, startSomewhere, told } from './test-messages.ts'

async function upstreamServer(t: TestContext, resolve: Resolve): Promise<Upstream> {
  const options = {
    listen: { kind: 'address' as const, address: '127.0.0.1', port: 0, shared: false },
    maxConnections: 4,
    maxConnectionsEach: 4,
    idleTimeoutMs: 5_000,
    resolveTimeoutMs: 5_000,
    maxPending: 10,
    maxPendingEach: 10,
  }
  const make = () => new DnsServer(options, { resolve, admit: () => true, clock: systemClock, log: silentLog })
  const { server, ...upstream } = await startSomewhere(make)
  t.after(() => server.stop())
  return upstream
}

function realForwarder(upstreams: readonly Upstream[]): Forwarder {
  return new Forwarder(
    {
      upstreams,
      tryTimeoutMs: 2_000,
      rounds: 2,
      maxPending: 10,
      cacheEntries: 10,
      cacheBytes: 100_000,
      maxCacheSeconds: 600,
      maxNegativeSeconds: 60,
    },
    { exchange, randomId: () => 0x4242, clock: systemClock, log: silentLog },
  )
}

test('real sockets: UDP and TCP, and past a server that is not there', async (t) => {
  const many = Array.from({ length: 200 }, (_, n) => ({ name: 'web', type: 'A' as const, ttl: 0, data: `10.0.0.${n}` }))
  const real = await upstreamServer(t, () => localAnswer(many))
  const unused = createSocket('udp4')
  unused.bind(0, '127.0.0.1')
  await once(unused, 'listening')
  const nobody = { address: '127.0.0.1', port: unused.address().port }
  await new Promise<void>((resolve) => unused.close(() => resolve()))

  const forwarder = realForwarder([nobody, real])
  const query = queryFor('web')
  const overUdp = await forwarder.forward(query, 'udp')
  assert.equal(overUdp.kind === 'message' && decode(overUdp.message).flag_tc, true)
  assert.equal((await told(query, forwarder.forward(query, 'tcp'))).records.length, 200)
})

test('forged answers are ignored: wrong id, wrong question, a query', async (t) => {
  const upstream = createSocket('udp4')
  upstream.bind(0, '127.0.0.1')
  await once(upstream, 'listening')
  t.after(() => upstream.close())
  upstream.on('message', (query, peer) => {
    const good = respond(query, { answers: [address('web', '10.0.0.1')] })
    const wrongId = Buffer.from(good)
    wrongId.writeUInt16BE(0x4243, 0)
    const wrongName = Buffer.from(good)
    wrongName[13] = 'x'.charCodeAt(0)
    for (const message of [wrongId, wrongName, query, Buffer.alloc(3), good])
      upstream.send(message, peer.port, peer.address)
  })
  const query = queryFor('web')
  const forwarder = realForwarder([{ address: '127.0.0.1', port: upstream.address().port }])
  assert.deepEqual((await told(query, forwarder.forward(query, 'udp'))).records, [{ ttl: 60, data: '10.0.0.1' }])
})

test('closing ends what waits', async (t) => {
  const silent = createSocket('udp4')
  silent.bind(0, '127.0.0.1')
  await once(silent, 'listening')
  t.after(() => silent.close())
  const arrived = once(silent, 'message', { signal: AbortSignal.timeout(5_000) })
  const forwarder = realForwarder([{ address: '127.0.0.1', port: silent.address().port }])
  const waiting = forwarder.forward(queryFor('web'), 'udp')
  await arrived
  forwarder.close()
  assert.deepEqual(await waiting, failure('SERVFAIL'))
})
