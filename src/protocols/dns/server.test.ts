import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { decode, encode, streamEncode } from 'dns-packet'
import fc from 'fast-check'
import koffi from 'koffi'
import { systemClock } from '../../lib/clock.ts'
import { type Log, silentLog } from '../../lib/log.ts'
import { type Answer, failure, localAnswer } from './answer.ts'
import { DnsServer, type DnsServerDeps, type DnsServerOptions, type Resolve, type Source } from './server.ts'
import { startSomewhere } from './test-messages.ts'

const soon = () => AbortSignal.timeout(5_000)

const plain: DnsServerOptions = {
  listen: { kind: 'address', address: '127.0.0.1', port: 0, shared: false },
  maxConnections: 4,
  maxConnectionsEach: 4,
  idleTimeoutMs: 5_000,
  resolveTimeoutMs: 5_000,
  maxPending: 100,
  maxPendingEach: 100,
}
const everybody = () => true

async function serve(
  t: TestContext,
  resolve: Resolve,
  options: Partial<DnsServerOptions> = {},
  log: Log = silentLog,
  admit: DnsServerDeps['admit'] = everybody,
) {
  const make = () => new DnsServer({ ...plain, ...options }, { resolve, admit, clock: systemClock, log })
  const { server, port } = await startSomewhere(make)
  t.after(() => server.stop())
  return { server, port }
}

function queryBytes(name: string, id = 1): Buffer {
  return encode({ type: 'query', id, flags: 0x100, questions: [{ name, type: 'A' }] })
}

/** Sends one datagram and returns the next that comes back. */
async function ask(t: TestContext, port: number, message: Buffer): Promise<Buffer> {
  const socket = createSocket('udp4')
  t.after(() => socket.close())
  const answered = once(socket, 'message', { signal: soon() })
  socket.send(message, port, '127.0.0.1')
  const [answer] = await answered
  return answer
}

async function open(t: TestContext, port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  t.after(() => socket.destroy())
  socket.on('error', () => {})
  await once(socket, 'connect', { signal: soon() })
  return socket
}

/** The next message on a connection. */
async function receive(socket: Socket): Promise<Buffer> {
  let bytes: Buffer = Buffer.alloc(0)
  while (bytes.length < 2 || bytes.length < 2 + bytes.readUInt16BE(0)) {
    const [chunk] = await once(socket, 'data', { signal: soon() })
    bytes = Buffer.concat([bytes, chunk])
  }
  return bytes.subarray(2)
}

const many = Array.from({ length: 100 }, (_, index) => ({
  name: 'web',
  type: 'A' as const,
  ttl: 1,
  data: `10.0.0.${index}`,
}))
const web: Resolve = (query) => (query.question.name === 'web' ? localAnswer(many.slice(0, 1)) : failure('NXDOMAIN'))

test('a name is answered over UDP, to the source that asked', async (t) => {
  const sources: Source[] = []
  const { port } = await serve(t, (query, source, signal) => {
    sources.push(source)
    return web(query, source, signal)
  })
  const answer = decode(await ask(t, port, queryBytes('web', 77)))
  assert.equal(answer.id, 77)
  assert.deepEqual(
    answer.answers?.map((record) => 'data' in record && record.data),
    ['10.0.0.0'],
  )
  assert.deepEqual(
    sources.map(({ address, transport }) => ({ address, transport })),
    [{ address: '127.0.0.1', transport: 'udp' }],
  )
})

test('an answer that is too long for UDP comes whole over TCP', async (t) => {
  const { port } = await serve(t, async () => localAnswer(many))
  const short = decode(await ask(t, port, queryBytes('web')))
  assert.deepEqual([short.flag_tc, short.answers?.length], [true, 0])
  const socket = await open(t, port)
  socket.write(streamEncode({ type: 'query', id: 3, questions: [{ name: 'web', type: 'A' }] }))
  const whole = decode(await receive(socket))
  assert.deepEqual([whole.id, whole.flag_tc, whole.answers?.length], [3, false, 100])
})

test('queries on one connection are answered in order, also when they come in pieces', async (t) => {
  const { port } = await serve(t, async (query) =>
    localAnswer([{ name: query.question.name, type: 'A', ttl: 1, data: '1.1.1.1' }]),
  )
  const socket = await open(t, port)
  socket.setNoDelay(true)
  const both = Buffer.concat(
    ['a', 'b'].map((name, id) => streamEncode({ type: 'query', id, questions: [{ name, type: 'A' }] })),
  )
  socket.write(both.subarray(0, 1))
  socket.end(both.subarray(1))
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(chunk)
  const bytes = Buffer.concat(chunks)
  const first = bytes.subarray(2, 2 + bytes.readUInt16BE(0))
  const second = bytes.subarray(2 + first.length + 2)
  assert.deepEqual([decode(first).questions?.[0]?.name, decode(second).questions?.[0]?.name], ['a', 'b'])
})

test('a resolver that fails or takes too long is answered with SERVFAIL, and logged', async (t) => {
  const failures: unknown[] = []
  const log: Log = { ...silentLog, warn: (phrase, fields) => failures.push([phrase, fields?.error]) }
  const never = new Promise<Answer>(() => {})
  const resolve: Resolve = (query) => {
    if (query.question.name === 'late') return never
    if (query.question.name === 'rejected') return Promise.reject(new Error('broken later'))
    throw new Error('broken')
  }
  const { port } = await serve(t, resolve, { resolveTimeoutMs: 20 }, log)
  for (const name of ['broken', 'rejected', 'late']) {
    const answer = await ask(t, port, queryBytes(name))
    assert.equal(answer.readUInt16BE(2) & 0xf, 2, name)
  }
  assert.deepEqual(failures, [
    ['dns query failed', 'broken'],
    ['dns query failed', 'broken later'],
  ])
})

test('more waiting queries than allowed are dropped', async (t) => {
  const first = Promise.withResolvers<Answer>()
  const asked = Promise.withResolvers<void>()
  const names: string[] = []
  const resolve: Resolve = (query) => {
    names.push(query.question.name)
    if (query.question.name !== 'slow') return localAnswer([])
    asked.resolve()
    return first.promise
  }
  const { port } = await serve(t, resolve, { maxPending: 1 })
  const slow = ask(t, port, queryBytes('slow'))
  await asked.promise
  const socket = createSocket('udp4')
  t.after(() => socket.close())
  socket.send(queryBytes('dropped'), port, '127.0.0.1')
  // Datagrams on one path arrive in order here, so that the broken one answers for the one before it.
  const broken = queryBytes('broken')
  broken.writeUInt16BE(0, 4)
  await ask(t, port, broken)
  assert.deepEqual(names, ['slow'])
  first.resolve(localAnswer([]))
  await slow
  await ask(t, port, queryBytes('next'))
  assert.deepEqual(names, ['slow', 'next'])
})

test('a new connection takes the place of the one that was silent longest', async (t) => {
  const { port } = await serve(t, web, { maxConnections: 2 })
  const oldest = await open(t, port)
  const closed = once(oldest, 'close', { signal: soon() })
  oldest.resume()
  const busy = await open(t, port)
  busy.write(streamEncode({ type: 'query', id: 1, questions: [{ name: 'web', type: 'A' }] }))
  await receive(busy)
  const newest = await open(t, port)
  await closed
  newest.write(streamEncode({ type: 'query', id: 2, questions: [{ name: 'web', type: 'A' }] }))
  assert.equal(decode(await receive(newest)).id, 2)
})

test('one address has only so many connections, however many there may be', async (t) => {
  const { port } = await serve(t, web, { maxConnectionsEach: 1 })
  const first = await open(t, port)
  const closed = once(first, 'close', { signal: soon() })
  first.resume()
  const second = await open(t, port)
  await closed
  second.write(streamEncode({ type: 'query', id: 3, questions: [{ name: 'web', type: 'A' }] }))
  assert.equal(decode(await receive(second)).id, 3)
})

test('one address has only so many queries waiting, and others are served all the same', async (t) => {
  const slow = Promise.withResolvers<Answer>()
  const asked = Promise.withResolvers<void>()
  const names: string[] = []
  const { port } = await serve(
    t,
    (query) => {
      names.push(query.question.name)
      if (query.question.name !== 'slow') return localAnswer([])
      asked.resolve()
      return slow.promise
    },
    { maxPendingEach: 1 },
  )
  const waiting = ask(t, port, queryBytes('slow'))
  await asked.promise
  const socket = createSocket('udp4')
  t.after(() => socket.close())
  socket.send(queryBytes('dropped'), port, '127.0.0.1')
  const other = createSocket('udp4')
  t.after(() => other.close())
  await new Promise<void>((resolve) => other.bind(0, '127.0.0.2', resolve))
  const answered = once(other, 'message', { signal: soon() })
  other.send(queryBytes('other'), port, '127.0.0.1')
  await answered
  slow.resolve(localAnswer([]))
  await waiting
  assert.deepEqual(names, ['slow', 'other'])
})

test('who is not admitted gets no answer, and no connection', async (t) => {
  const refused = new Set<string>()
  const admit = ({ address, transport }: Source) => {
    if (address !== '127.0.0.2') return true
    refused.add(transport)
    return false
  }
  const { port } = await serve(t, web, {}, silentLog, admit)
  const socket = createSocket('udp4')
  t.after(() => socket.close())
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.2', resolve))
  const answers: Buffer[] = []
  socket.on('message', (message) => answers.push(message))
  socket.send(queryBytes('web'), port, '127.0.0.1')
  const connection = connect({ port, host: '127.0.0.1', localAddress: '127.0.0.2' })
  connection.write(streamEncode({ type: 'query', id: 1, questions: [{ name: 'web', type: 'A' }] }))
  connection.resume()
  await once(connection, 'close', { signal: soon() })
  assert.equal(decode(await ask(t, port, queryBytes('web', 6))).id, 6)
  assert.deepEqual([[...refused].sort(), answers], [['tcp', 'udp'], []])
})

test('two servers share an address where both say so', async (t) => {
  const first = await serve(t, web, { listen: { kind: 'address', address: '127.0.0.1', port: 0, shared: true } })
  const listen = { kind: 'address', address: '127.0.0.1', port: first.port, shared: true } as const
  await serve(t, web, { listen })
  await first.server.stop()
  assert.equal(decode(await ask(t, first.port, queryBytes('web', 9))).id, 9)
})

test('a connection that says nothing is closed', async (t) => {
  const { port } = await serve(t, web, { idleTimeoutMs: 20 })
  const socket = await open(t, port)
  socket.resume()
  await once(socket, 'close', { signal: soon() })
})

test('hostile datagrams and connections leave the server answering', async (t) => {
  const { port } = await serve(t, web)
  const valid = queryBytes('web')
  const socket = createSocket('udp4')
  t.after(() => socket.close())
  const damaged = fc.sample(
    fc.oneof(
      fc.uint8Array({ maxLength: 700 }),
      fc.tuple(fc.nat(valid.length - 1), fc.nat(255)).map(([at, value]) => {
        const copy = Buffer.from(valid)
        copy[at] = value
        return copy
      }),
    ),
    500,
  )
  for (const message of damaged) socket.send(message, port, '127.0.0.1')
  for (const noise of [Buffer.from([0, 0]), Buffer.from('000100', 'hex'), Buffer.alloc(70_000, 0xff)]) {
    const connection = await open(t, port)
    connection.resume()
    connection.end(noise)
    await once(connection, 'close', { signal: soon() })
  }
  assert.equal(decode(await ask(t, port, queryBytes('web', 5))).id, 5)
})

/** A socket made by the C library and bound to 127.0.0.1, as one that was opened in another network namespace. */
function bareSocket(kind: 'stream' | 'datagram', port: number): { readonly fd: number; readonly port: number } {
  const libc = koffi.load('libc.so.6')
  const address = Buffer.alloc(16)
  address.writeUInt16LE(2, 0)
  address.writeUInt16BE(port, 2)
  address.set([127, 0, 0, 1], 4)
  const closeOnExec = 0o2000000
  const nonBlocking = 0o4000
  const type = (kind === 'stream' ? 1 : 2) | closeOnExec | nonBlocking
  const fd: number = libc.func('int socket(int, int, int)')(2, type, 0)
  assert.equal(libc.func('int bind(int, const void *, int)')(fd, address, 16), 0)
  if (kind === 'stream') assert.equal(libc.func('int listen(int, int)')(fd, 16), 0)
  const length = Buffer.from([16, 0, 0, 0])
  assert.equal(libc.func('int getsockname(int, _Out_ void *, _Inout_ void *)')(fd, address, length), 0)
  return { fd, port: address.readUInt16BE(2) }
}

test('a server answers on sockets that were opened elsewhere', async (t) => {
  const udp = bareSocket('datagram', 0)
  const tcp = bareSocket('stream', 0)
  const listen = { kind: 'descriptors', family: 4, udp: udp.fd, tcp: tcp.fd } as const
  const { port } = await serve(t, web, { listen })
  assert.equal(port, udp.port)
  assert.equal(decode(await ask(t, udp.port, queryBytes('web', 8))).id, 8)
  const socket = await open(t, tcp.port)
  socket.write(streamEncode({ type: 'query', id: 9, questions: [{ name: 'web', type: 'A' }] }))
  assert.equal(decode(await receive(socket)).id, 9)
})

test('a port that is taken is an error that names it', async (t) => {
  const { port } = await serve(t, web)
  const listen = { kind: 'address', address: '127.0.0.1', port, shared: false } as const
  const second = new DnsServer(
    { ...plain, listen },
    { resolve: web, admit: everybody, clock: systemClock, log: silentLog },
  )
  await assert.rejects(second.start(), { code: 'DNS_LISTEN_FAILED', message: new RegExp(`127.0.0.1 port ${port}`) })
})

test('stopping twice, and stopping what never started, is harmless', async (t) => {
  const { server } = await serve(t, web)
  await server.stop()
  await server.stop()
  await new DnsServer(plain, { resolve: web, admit: everybody, clock: systemClock, log: silentLog }).stop()
})
