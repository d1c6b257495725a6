import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decode } from 'dns-packet'
import { systemClock } from '../../lib/clock.ts'
import { NetpluginError } from '../../lib/errors.ts'
import { silentLog } from '../../lib/log.ts'
import { encodeAnswer, failure } from './answer.ts'
import type { Exchange, Upstream } from './exchange.ts'
import { Forwarder, type ForwarderOptions } from './forwarder.ts'
import { address, queryFor, respond, soa, told } from './test-messages.ts'

const first: Upstream = { address: '192.0.2.1', port: 53 }
const second: Upstream = { address: '192.0.2.2', port: 53 }

const plain: ForwarderOptions = {
  upstreams: [first, second],
  tryTimeoutMs: 1_000,
  rounds: 2,
  maxPending: 10,
  cacheEntries: 10,
  cacheBytes: 100_000,
  maxCacheSeconds: 600,
  maxNegativeSeconds: 60,
}

interface Bench {
  readonly forwarder: Forwarder
  readonly asked: string[]
  now: number
}

/** A forwarder over servers that answer as told; a server that throws does not answer. */
function bench(reply: (upstream: Upstream, query: Buffer) => Buffer, options: Partial<ForwarderOptions> = {}): Bench {
  const asked: string[] = []
  const ask: Exchange = async (upstream, query, transport) => {
    const name = decode(query).questions?.[0]?.name
    asked.push(`${upstream.address} ${name} ${transport}`)
    return reply(upstream, query)
  }
  let id = 0
  const state = { now: 1_000_000 }
  const clock = { now: () => state.now, after: systemClock.after }
  const forwarder = new Forwarder(
    { ...plain, ...options },
    { exchange: ask, randomId: () => id++, clock, log: silentLog },
  )
  return Object.assign(state, { forwarder, asked })
}

test("an upstream's answer is passed on with the client's id", async () => {
  const { forwarder, asked } = bench((_, query) => respond(query, { answers: [address('db.example', '203.0.113.9')] }))
  const query = queryFor('db.example')
  assert.deepEqual(await told(query, forwarder.forward(query, 'udp')), {
    id: 4711,
    rcode: 0,
    records: [{ ttl: 60, data: '203.0.113.9' }],
    name: 'db.example',
  })
  assert.deepEqual(asked, ['192.0.2.1 db.example udp'])
})

test('an answer is kept, aged, spelled as asked, and forgotten when its time is over', async () => {
  const state = bench((_, query) => respond(query, { answers: [address('db.example', '203.0.113.9', 60)] }))
  const ask = async (name: string) => {
    const query = queryFor(name)
    return told(query, state.forwarder.forward(query, 'udp'))
  }
  await ask('db.example')
  state.now += 59_500
  assert.deepEqual(await ask('DB.example'), {
    id: 4711,
    rcode: 0,
    records: [{ ttl: 1, data: '203.0.113.9' }],
    name: 'DB.example',
  })
  assert.equal(state.asked.length, 1)
  state.now += 500
  assert.deepEqual((await ask('db.example')).records, [{ ttl: 60, data: '203.0.113.9' }])
  assert.equal(state.asked.length, 2)
})

test('no answer is kept longer than allowed, nor one with a time of zero', async () => {
  const state = bench(
    (_, query) => {
      const name = decode(query).questions?.[0]?.name ?? ''
      return respond(query, { answers: [address(name, '203.0.113.9', name === 'zero.example' ? 0 : 100_000)] })
    },
    { maxCacheSeconds: 10 },
  )
  const ask = async (name: string) => state.forwarder.forward(queryFor(name), 'udp')
  await ask('zero.example')
  await ask('zero.example')
  await ask('long.example')
  state.now += 10_000
  await ask('long.example')
  assert.equal(state.asked.length, 4)
})

test('a name that does not exist is remembered for the time its zone allows', async () => {
  const state = bench((_, query) => respond(query, { rcode: 3, authorities: [soa(900, 30)] }))
  const query = queryFor('none.example')
  assert.equal((await told(query, state.forwarder.forward(query, 'udp'))).rcode, 3)
  state.now += 29_000
  assert.equal((await told(query, state.forwarder.forward(query, 'udp'))).rcode, 3)
  assert.equal(state.asked.length, 1)
  state.now += 1_000
  await state.forwarder.forward(query, 'udp')
  assert.equal(state.asked.length, 2)
})

test('what does not exist is not remembered for long, here nor by clients: it may exist in a moment', async () => {
  const state = bench((_, query) => respond(query, { rcode: 3, authorities: [soa(86_400, 86_400)] }), {
    maxNegativeSeconds: 30,
  })
  const query = queryFor('none.example')
  const ttl = async () => {
    const bytes = encodeAnswer(query, await state.forwarder.forward(query, 'udp'), 512) ?? Buffer.alloc(0)
    const [record] = decode(bytes).authorities ?? []
    return record !== undefined && 'ttl' in record ? record.ttl : undefined
  }
  assert.equal(await ttl(), 30)
  state.now += 29_000
  assert.deepEqual([await ttl(), state.asked.length], [1, 1])
  state.now += 1_000
  assert.deepEqual([await ttl(), state.asked.length], [30, 2])
})

test('the cache is bounded in bytes as well', async () => {
  const state = bench(
    (_, query) => respond(query, { answers: [address(decode(query).questions?.[0]?.name ?? '', '203.0.113.9')] }),
    { cacheBytes: 120 },
  )
  // Each answer has 54 bytes: two fit.
  for (const name of ['a.example', 'b.example', 'c.example', 'b.example', 'a.example']) {
    await state.forwarder.forward(queryFor(name), 'udp')
  }
  assert.deepEqual(
    state.asked.map((line) => line.split(' ')[1]),
    ['a.example', 'b.example', 'c.example', 'a.example'],
  )
})

test('without a zone record a missing name is asked for each time', async () => {
  const state = bench((_, query) => respond(query, { rcode: 3 }))
  await state.forwarder.forward(queryFor('none.example'), 'udp')
  await state.forwarder.forward(queryFor('none.example'), 'udp')
  assert.equal(state.asked.length, 2)
})

test('the cache is bounded, and gives up what was not used', async () => {
  const state = bench(
    (_, query) => respond(query, { answers: [address(decode(query).questions?.[0]?.name ?? '', '203.0.113.9')] }),
    { cacheEntries: 2 },
  )
  for (const name of ['a.example', 'b.example', 'a.example', 'c.example', 'a.example', 'b.example']) {
    await state.forwarder.forward(queryFor(name), 'udp')
  }
  assert.deepEqual(
    state.asked.map((line) => line.split(' ')[1]),
    ['a.example', 'b.example', 'c.example', 'b.example'],
  )
})

test('equal questions that wait at the same time are asked once', async () => {
  const state = bench((_, query) => respond(query, { answers: [address('db.example', '203.0.113.9')] }))
  const answers = ['db.example', 'DB.EXAMPLE', 'db.example'].map(async (name) => {
    const query = queryFor(name)
    return told(query, state.forwarder.forward(query, 'udp'))
  })
  const all = await Promise.all(answers)
  assert.deepEqual(
    all.map(({ name, records }) => [name, records.length]),
    [
      ['db.example', 1],
      ['DB.EXAMPLE', 1],
      ['db.example', 1],
    ],
  )
  assert.equal(state.asked.length, 1)
  assert.equal(state.asked.filter((line) => line.includes('AAAA')).length, 0)
})

test('a server that does not answer makes way for the next, which is asked first from then on', async () => {
  const state = bench((upstream, query) => {
    if (upstream === first) throw new Error('no answer')
    return respond(query, { answers: [address('x', '203.0.113.9', 0)] })
  })
  await state.forwarder.forward(queryFor('a.example'), 'udp')
  await state.forwarder.forward(queryFor('b.example'), 'udp')
  assert.deepEqual(state.asked, ['192.0.2.1 a.example udp', '192.0.2.2 a.example udp', '192.0.2.2 b.example udp'])
})

test('the server that answered last is asked first also when the same list is told again', async () => {
  const state = bench((upstream, query) => {
    if (upstream.address === first.address) throw new Error('no answer')
    return respond(query, {})
  })
  for (const name of ['a', 'b']) {
    state.forwarder.setUpstreams([{ ...first }, { ...second }])
    await state.forwarder.forward(queryFor(name), 'udp')
  }
  assert.deepEqual(state.asked, ['192.0.2.1 a udp', '192.0.2.2 a udp', '192.0.2.2 b udp'])
})

test('a server where nobody listens is left alone for a moment, by UDP and by TCP', async () => {
  const state = bench(
    () => {
      throw new NetpluginError('unavailable', 'UPSTREAM_REFUSED', 'nobody listens there')
    },
    { upstreams: [first] },
  )
  const ask = async (name: string, transport: 'udp' | 'tcp') => {
    assert.deepEqual(await state.forwarder.forward(queryFor(name), transport), failure('SERVFAIL'))
  }
  await ask('a', 'udp')
  state.now += 1_999
  await ask('b', 'udp')
  await ask('b', 'tcp')
  state.now += 1
  await ask('c', 'udp')
  assert.deepEqual(state.asked, ['192.0.2.1 a udp', '192.0.2.1 b tcp', '192.0.2.1 c udp'])
})

test('a server that refuses is passed over, and its refusal stands when no other knows more', async () => {
  const refused = bench((_, query) => respond(query, { rcode: 5 }))
  const query = queryFor('a.example')
  assert.equal((await told(query, refused.forwarder.forward(query, 'udp'))).rcode, 5)
  assert.equal(refused.asked.length, 2)
})

test('when no server answers, the list is tried as often as told, then SERVFAIL', async () => {
  const state = bench(() => {
    throw new Error('no answer')
  })
  assert.deepEqual(await state.forwarder.forward(queryFor('a.example'), 'udp'), failure('SERVFAIL'))
  assert.equal(state.asked.length, 4)
  state.forwarder.setUpstreams([])
  assert.deepEqual(await state.forwarder.forward(queryFor('a.example'), 'udp'), failure('SERVFAIL'))
})

test('a damaged answer counts as none', async () => {
  const state = bench((upstream, query) => {
    const whole = respond(query, { answers: [address('a.example', '203.0.113.9')] })
    return upstream === first ? whole.subarray(0, whole.length - 2) : whole
  })
  const query = queryFor('a.example')
  assert.equal((await told(query, state.forwarder.forward(query, 'udp'))).records.length, 1)
  assert.equal(state.asked.length, 2)
})

test('more waiting questions than allowed are answered with SERVFAIL at once', async () => {
  const held = Promise.withResolvers<Buffer>()
  const forwarder = new Forwarder(
    { ...plain, maxPending: 1 },
    { exchange: () => held.promise, randomId: () => 1, clock: systemClock, log: silentLog },
  )
  const waiting = forwarder.forward(queryFor('a.example'), 'udp')
  assert.deepEqual(forwarder.forward(queryFor('b.example'), 'udp'), failure('SERVFAIL'))
  held.reject(new Error('no answer'))
  await waiting
})
