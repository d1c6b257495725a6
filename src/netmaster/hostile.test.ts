// Clients that mean harm, or are broken: refused or served, never a crash, and nobody else waits for them.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { after, before, test } from 'node:test'
import type { OpenApiDocument } from '../api/openapi.ts'
import { startTestNetmaster, type TestNetmaster } from './testing.ts'

let netmaster: TestNetmaster
let port: number
before(async () => {
  netmaster = await startTestNetmaster({ server: { requestMs: 1_000, idleMs: 3_000 } })
  const address = await netmaster.netmaster.start({ host: '127.0.0.1', port: 0 })
  port = Number(address.split(':').at(-1))
})
after(() => netmaster.stop())

const bounded = { timeout: 60_000 }
const served = async () => assert.equal((await fetch(`http://127.0.0.1:${port}/version`)).status, 200)
const mebibyte = 1024 * 1024
const residentMiB = () => process.memoryUsage.rss() / mebibyte

async function open(): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  // A server that hangs up on us is what we came for.
  socket.on('error', () => {})
  return socket
}

/** Everything the server says until it hangs up. */
async function readAll(socket: Socket): Promise<string> {
  let text = ''
  socket.setEncoding('latin1')
  socket.on('data', (chunk: string) => {
    text += chunk
  })
  // Not `once`, which an error would end.
  if (!socket.closed) await new Promise((resolve) => socket.on('close', resolve))
  return text
}

const head = (length: string) => `POST /api/v1/tenants/x/ HTTP/1.1\r\nhost: x\r\n${length}\r\n\r\n`

test('names that mean something to JavaScript mean nothing here', bounded, async () => {
  const { paths } = (await netmaster.ok('GET', '/api/v1/openapi.json')) as OpenApiDocument
  for (const name of ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty']) {
    for (const [path, methods] of Object.entries(paths)) {
      const url = path.replace(/\{\w+\}/g, name)
      for (const method of Object.keys(methods)) {
        const body = method === 'post' || method === 'put' ? `{"${name}": {"polluted": 1}}` : undefined
        const { status } = await netmaster.request(method.toUpperCase(), url, body)
        assert.ok(status < 500, `${method} ${url}: ${status}`)
      }
    }
  }
  assert.equal(Object(Object.prototype).polluted, undefined)
  assert.deepEqual(Object.keys(Object.prototype), [])
})

test('every attribute of every body may be of any type', bounded, async () => {
  const { paths, components } = (await netmaster.ok('GET', '/api/v1/openapi.json')) as OpenApiDocument
  const values = [
    null,
    0,
    -1,
    1e308,
    true,
    [],
    [[]],
    [null],
    {},
    { length: 1e9 },
    '',
    '\u0000',
    '\ud800',
    'x'.repeat(70_000),
  ]
  let tried = 0
  for (const [path, methods] of Object.entries(paths)) {
    const operation = methods.post
    const name =
      String(operation?.requestBody?.content['application/json']?.schema.$ref ?? '')
        .split('/')
        .at(-1) ?? ''
    for (const attribute of Object.keys(Object(components.schemas[name]?.properties))) {
      for (const value of values) {
        const { status } = await netmaster.request('POST', path.replace(/\{\w+\}/g, 'x'), { [attribute]: value })
        assert.ok(status < 500, `${path} ${attribute} ${JSON.stringify(value).slice(0, 40)}: ${status}`)
        tried++
      }
    }
  }
  assert.ok(tried > 500, `only ${tried} were tried`)
})

test('bodies of 10 MB are refused, with or without their length, and not kept', bounded, async () => {
  await served()
  const before = residentMiB()
  const chunk = 'x'.repeat(mebibyte)
  for (let round = 0; round < 10; round++) {
    const told = await open()
    told.write(head(`content-length: ${10 * mebibyte}`))
    assert.match(await readAll(told), /^HTTP\/1\.1 413 /)
    const chunked = await open()
    const answer = readAll(chunked)
    chunked.write(head('transfer-encoding: chunked'))
    for (let sent = 0; sent < 10 && !chunked.destroyed; sent++) {
      chunked.write(`${chunk.length.toString(16)}\r\n${chunk}\r\n`)
    }
    // Hanging up on somebody who is still sending may lose the answer.
    assert.match(await answer, /^(HTTP\/1\.1 413 |$)/)
  }
  await served()
  assert.ok(residentMiB() - before < 150, `${Math.round(residentMiB() - before)} MiB more than before`)
})

test('a body of nothing but brackets is refused at once', bounded, async () => {
  for (const text of ['['.repeat(1_000_000), '{"a":'.repeat(200_000), `${'['.repeat(500_000)}${']'.repeat(500_000)}`]) {
    const started = performance.now()
    const { status } = await netmaster.request('POST', '/api/v1/tenants/x/', text)
    assert.equal(status, 400)
    assert.ok(performance.now() - started < 2_000)
  }
})

test('anything may stand in a URL', bounded, async () => {
  const texts = [
    '%00',
    '%ff',
    '%c0%ae',
    '%F0%9F%92%A9',
    '%2e%2e/%2e%2e',
    "'--",
    '%0d%0aset-cookie:x',
    '*',
    '%E2%80%AE',
    '{}',
    '~',
  ]
  for (const text of [...texts, 'x'.repeat(1_024), '%41'.repeat(1_024), 'x'.repeat(15_000)]) {
    for (const path of [
      `/api/v1/tenants/${text}/`,
      `/api/v1/${text}`,
      `/${text}`,
      `/api/v1/tenants/?tenantName=${text}`,
    ]) {
      const answer = await netmaster.request('GET', path)
      assert.ok(answer.status < 500, `${path.slice(0, 60)}: ${answer.status}`)
    }
  }
  const socket = await open()
  socket.write('GET /\u0001\u0002 HTTP/1.1\r\nhost: x\r\n\r\n')
  assert.match(await readAll(socket), /^HTTP\/1\.1 400 /)
})

test('what is not HTTP is refused, and heads have a bound', bounded, async () => {
  for (const [bytes, expected] of [
    ['\u0016\u0003\u0001\u0002', /^HTTP\/1\.1 400 /],
    ['hello\r\n\r\n', /^HTTP\/1\.1 400 /],
    [`GET / HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(100_000)}\r\n\r\n`, /^HTTP\/1\.1 431 /],
    [`${head('content-length: 5\r\ntransfer-encoding: chunked')}0\r\n\r\n`, /^HTTP\/1\.1 400 /],
    [head('content-length: -5'), /^HTTP\/1\.1 400 /],
  ] as const) {
    const socket = await open()
    socket.write(bytes)
    assert.match(await readAll(socket), expected, JSON.stringify(bytes.slice(0, 40)))
  }
})

test('who sends slowly is hung up on, and others are served meanwhile', bounded, async () => {
  const slow = await Promise.all([open(), open(), open()])
  slow[0]?.write('GET /version HTTP/1.1\r\nx-slow: ')
  slow[1]?.write(`${head('content-length: 1000')}{`)
  // The third says nothing at all.
  const started = performance.now()
  const ended = Promise.all(slow.slice(0, 2).map((socket) => readAll(socket)))
  await served()
  assert.ok(performance.now() - started < 1_000)
  for (const text of await ended) assert.match(text, /^(HTTP\/1\.1 408 |$)/)
  await readAll(slow[2] ?? assert.fail())
  assert.ok(performance.now() - started < 15_000)
})

test('a request that is cut half-way changes nothing', bounded, async () => {
  const body = JSON.stringify({ tenantName: 'x' })
  for (let cut = 0; cut < 50; cut++) {
    const socket = await open()
    const text = `${head(`content-type: application/json\r\ncontent-length: ${body.length}`)}${body}`
    socket.write(text.slice(0, Math.floor(((text.length - 1) * cut) / 50)))
    socket.destroy()
  }
  await served()
  assert.equal((await netmaster.request('GET', '/api/v1/tenants/x/')).status, 404)
})

test('requests sent without waiting for answers are answered in order', bounded, async () => {
  const socket = await open()
  const many = Array.from({ length: 200 }, (_, at) => `GET /api/v1/tenants/t${at}/ HTTP/1.1\r\nhost: x\r\n\r\n`)
  socket.write(`${many.join('')}GET /version HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`)
  const text = await readAll(socket)
  const named = [...text.matchAll(/tenant (t\d+) not found/g)].map(([, name]) => name)
  assert.deepEqual(
    named,
    many.map((_, at) => `t${at}`),
  )
  assert.match(text, /"GitCommit"/)
})

test('a thousand open connections leave room for one more', bounded, async () => {
  const before = residentMiB()
  const sockets = await Promise.all(Array.from({ length: 1_000 }, () => open()))
  for (const socket of sockets.slice(0, 500)) socket.write('GET /version HTTP/1.1\r\nhost: x\r\n\r\n')
  await served()
  await Promise.all(sockets.slice(0, 500).map((socket) => once(socket, 'data')))
  assert.ok(residentMiB() - before < 200, `${Math.round(residentMiB() - before)} MiB more than before`)
  for (const socket of sockets) socket.destroy()
  await served()
})

test('who asks for long lists and does not read them costs little, and is hung up on', bounded, async () => {
  const network = { networkName: 'n', tenantName: 'default', subnet: '10.0.0.0/16' }
  await netmaster.ok('POST', '/api/v1/networks/default:n/', network)
  const create = (at: number) =>
    netmaster.ok('POST', '/plugin/createEndpoint', {
      NetworkName: 'n',
      EndpointID: `e${at}`.padEnd(64, '0'),
      Node: 'node1',
      Labels: { padding: 'x'.repeat(2_000) },
    })
  await Promise.all(Array.from({ length: 3_000 }, (_, at) => create(at)))
  const before = residentMiB()
  const readers = await Promise.all(Array.from({ length: 100 }, () => open()))
  const ended = readers.map((socket) => once(socket, 'close'))
  for (const socket of readers) {
    socket.pause()
    socket.write('GET /api/v1/endpoints/ HTTP/1.1\r\nhost: x\r\n\r\n')
  }
  await served()
  // 100 lists of 7 MB each.
  assert.ok(residentMiB() - before < 300, `${Math.round(residentMiB() - before)} MiB more than before`)
  await served()
  for (const socket of readers) socket.destroy()
  await Promise.all(ended)
})
