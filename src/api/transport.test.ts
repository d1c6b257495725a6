// The client's side of HTTP against servers that misbehave.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { test } from 'node:test'
import { z } from 'zod'
import { NetpluginError } from '../lib/errors.ts'
import { parseStreamMessage } from './node-client.ts'
import { bodyRoute, fillPath } from './route.ts'
import { Transport } from './transport.ts'

async function withServer(
  serve: RequestListener,
  body: (transport: Transport, url: string) => Promise<void>,
): Promise<void> {
  const server = createServer(serve).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const bound = server.address()
  assert.ok(typeof bound === 'object' && bound !== null)
  const baseUrl = `http://127.0.0.1:${bound.port}`
  const transport = new Transport({ baseUrl, timeoutMs: 300 })
  try {
    await body(transport, baseUrl)
  } finally {
    transport.close()
    server.closeAllConnections()
    server.close()
  }
}

const refused =
  (kind: string, code: string, message = /./) =>
  (error: unknown) =>
    error instanceof NetpluginError && error.kind === kind && error.code === code && message.test(error.message)

test('an error is rebuilt as the server meant it', async () => {
  const said = { kind: 'exhausted', code: 'ADDRESSES_EXHAUSTED', message: 'none left', details: { pool: 'x' } }
  await withServer(
    (_, response) => response.writeHead(409, { 'content-type': 'application/json' }).end(JSON.stringify(said)),
    async (transport) => {
      await assert.rejects(transport.request('GET', '/', undefined), (error) => {
        assert.ok(refused('exhausted', 'ADDRESSES_EXHAUSTED', /^none left$/)(error) && error instanceof NetpluginError)
        assert.deepEqual(error.details, { pool: 'x', status: 409 })
        return true
      })
    },
  )
})

test('an error in plain text keeps its first line, and its kind comes from the status', async () => {
  const table = [
    [500, 'internal'],
    [404, 'not-found'],
    [409, 'conflict'],
    [400, 'invalid'],
    [503, 'unavailable'],
    [401, 'unauthorized'],
    [403, 'forbidden'],
  ] as const
  for (const [status, kind] of table) {
    await withServer(
      (_, response) => response.writeHead(status).end('tenant not found\nsecond line'),
      (transport) =>
        assert.rejects(transport.request('GET', '/', undefined), refused(kind, 'REFUSED', /^tenant not found$/)),
    )
  }
  await withServer(
    (_, response) => response.writeHead(500).end(),
    (transport) =>
      assert.rejects(transport.request('GET', '/', undefined), refused('internal', 'REFUSED', /status 500/)),
  )
})

test('an answer that is not JSON is a fault of the other side', async () => {
  await withServer(
    (_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
    (transport) =>
      assert.rejects(transport.request('GET', '/', undefined), refused('protocol', 'BAD_ANSWER', /text\/html/)),
  )
})

test('a server that does not answer in time is a timeout that names it', async () => {
  await withServer(
    () => {},
    (transport, url) =>
      assert.rejects(transport.request('GET', '/', undefined), (error) => {
        return refused('timeout', 'NETMASTER_TIMEOUT', /0\.3 s/)(error) && String(error).includes(url)
      }),
  )
})

test('nobody there is unavailable, and says which address was tried', async () => {
  let gone = ''
  await withServer(
    () => {},
    async (_, url) => {
      gone = url
    },
  )
  const transport = new Transport({ baseUrl: gone, timeoutMs: 1_000 })
  await assert.rejects(transport.request('GET', '/', undefined), (error) => {
    return (
      refused('unavailable', 'NETMASTER_UNREACHABLE', /connection was refused/)(error) && String(error).includes(gone)
    )
  })
})

test('an address that is no URL is refused before anything is sent', () => {
  for (const baseUrl of ['netmaster:9999', 'ftp://x', 'http://', '', '::']) {
    assert.throws(() => new Transport({ baseUrl, timeoutMs: 1 }), refused('invalid', 'BAD_URL'), baseUrl)
  }
})

test("the caller's abort is what the caller gets", async () => {
  await withServer(
    () => {},
    async (transport) => {
      const reason = new Error('enough')
      const controller = new AbortController()
      const asked = transport.request('GET', '/', undefined, controller.signal)
      controller.abort(reason)
      await assert.rejects(asked, reason)
    },
  )
})

test('a body goes out as JSON to the filled-in path, below the prefix of the address', async () => {
  const seen: unknown[] = []
  await withServer(
    async (request, response) => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk)
      seen.push(
        request.method,
        request.url,
        request.headers['content-type'],
        request.headers.accept,
        JSON.parse(String(Buffer.concat(chunks))),
      )
      response.end('{"a":1}')
    },
    async (_, url) => {
      const transport = new Transport({ baseUrl: `${url}/prefix/`, timeoutMs: 1_000 })
      const route = bodyRoute('POST', '/things/:key/', '', async () => ({
        body: z.object({ x: z.int() }),
        answer: z.object({ a: z.int() }),
      }))
      assert.deepEqual(await transport.call(route, { key: 'default:a/b ü' }, { x: 5 }), { a: 1 })
      transport.close()
    },
  )
  assert.deepEqual(seen, [
    'POST',
    '/prefix/things/default:a%2Fb%20%C3%BC/',
    'application/json',
    'application/json',
    { x: 5 },
  ])
})

test('parameters cannot leave their place in the path', () => {
  assert.equal(fillPath('/a/:b/c', { b: '../..?x#y' }), '/a/..%2F..%3Fx%23y/c')
})

test('a connection that the server closed between two requests is no error', async () => {
  let requests = 0
  await withServer(
    (request, response) => {
      requests++
      response.end('1')
      // As a server does that shuts idle connections just when the next request is under way.
      response.on('finish', () => setImmediate(() => request.socket.destroy()))
    },
    async (transport) => {
      for (let n = 0; n < 20; n++) assert.equal(await transport.request('GET', '/', undefined), 1)
    },
  )
  assert.equal(requests, 20)
})

test('a stream gives each line as it comes, however it is cut into packets', async () => {
  const text = '{"n":1}\n{"n":2,"t":"ü"}\n\n{"n":3}\n'
  await withServer(
    (_, response) => {
      const bytes = Buffer.from(text)
      const send = (at: number) => {
        if (at >= bytes.length) response.end()
        else response.write(bytes.subarray(at, at + 1), () => send(at + 1))
      }
      send(0)
    },
    async (transport) => {
      const seen: unknown[] = []
      for await (const document of transport.stream('/', { idleMs: 1_000 }, AbortSignal.timeout(5_000)))
        seen.push(document)
      assert.deepEqual(seen, [{ n: 1 }, { n: 2, t: 'ü' }, { n: 3 }])
    },
  )
})

async function drain(transport: Transport, signal: AbortSignal): Promise<number> {
  let count = 0
  for await (const _ of transport.stream('/', { idleMs: 100 }, signal)) count++
  return count
}

test('a stream that falls silent, breaks off, is refused or is not JSON ends with an error', async () => {
  const cases: readonly (readonly [RequestListener, (error: unknown) => boolean])[] = [
    [(_, response) => response.write('1\n'), refused('timeout', 'STREAM_SILENT')],
    [(_, response) => response.write('1\n', () => response.destroy()), refused('unavailable', 'NETMASTER_UNREACHABLE')],
    [(_, response) => response.writeHead(404).end('no'), refused('not-found', 'REFUSED')],
    [(_, response) => response.end('{oops\n'), refused('protocol', 'BAD_ANSWER')],
    [() => {}, refused('timeout', 'NETMASTER_TIMEOUT')],
  ]
  for (const [serve, expected] of cases) {
    await withServer(serve, (transport) => assert.rejects(drain(transport, AbortSignal.timeout(5_000)), expected))
  }
})

test('aborting a stream ends it with the reason', async () => {
  await withServer(
    (_, response) => response.write('1\n'),
    async (transport) => {
      const controller = new AbortController()
      const reason = new Error('done')
      const stream = transport.stream('/', { idleMs: 5_000 }, controller.signal)[Symbol.asyncIterator]()
      await stream.next()
      controller.abort(reason)
      await assert.rejects(stream.next(), reason)
    },
  )
})

test('messages of the stream are checked; those of the next version are taken, or left out', () => {
  const change = { kind: 'tenant', key: 'x', value: null }
  const good = [
    { type: 'begin', version: 1, epoch: 'e', revision: 1 },
    { type: 'records', changes: [change] },
    { type: 'end', revision: 1 },
    { type: 'resume', version: 1, epoch: 'e', revision: 0 },
    { type: 'delta', revision: 2, changes: [] },
    { type: 'ping', revision: 2 },
  ]
  for (const message of good) assert.deepEqual(parseStreamMessage(message), message)
  const next = { type: 'begin', version: 2, epoch: 'e', revision: 1 }
  assert.deepEqual(parseStreamMessage(next), next)
  assert.equal(parseStreamMessage({ type: 'nope' }), undefined)
  assert.throws(() => parseStreamMessage({ ...next, version: 3 }), refused('protocol', 'STATE_VERSION'))
  const bad = [null, 1, [], {}, { type: 'ping' }, { type: 5 }, { type: 'begin', version: '1', epoch: 'e', revision: 1 }]
  const more = [
    { type: 'records', changes: [1] },
    { type: 'records', changes: [{ kind: 'x' }] },
    { type: 'delta', changes: [] },
    { type: 'end', revision: 1.5 },
  ]
  for (const message of [...bad, ...more])
    assert.throws(() => parseStreamMessage(message), refused('protocol', 'BAD_STREAM_MESSAGE'))
})
