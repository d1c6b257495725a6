// Several servers of which some do not serve: the client finds one that does, and asks for nothing twice.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { type TestContext, test } from 'node:test'
import { NetpluginError } from '../lib/errors.ts'
import { createClient } from './client.ts'
import { createNodeClient } from './node-client.ts'
import { parseServerUrls } from './server-urls.ts'
import { Transport } from './transport.ts'

async function serve(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const bound = server.address()
  assert.ok(typeof bound === 'object' && bound !== null)
  return `http://127.0.0.1:${bound.port}`
}

/** A port where nobody listens. */
async function nobody(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const bound = server.address()
  await new Promise((resolve) => server.close(resolve))
  assert.ok(typeof bound === 'object' && bound !== null)
  return `http://127.0.0.1:${bound.port}`
}

const json = (body: unknown): RequestListener => {
  return (_, response) => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

const refuse = (status: number, kind: string, code: string): RequestListener => {
  const said = JSON.stringify({ kind, code, message: code, details: {} })
  return (_, response) => response.writeHead(status, { 'content-type': 'application/json' }).end(said)
}

function transport(t: TestContext, ...urls: string[]): Transport {
  const made = new Transport({ baseUrl: urls.join(','), timeoutMs: 5_000 })
  t.after(() => made.close())
  return made
}

test('who refuses the connection, or says that it cannot serve, is left for the next, which stays', async (t) => {
  let asked = 0
  const cut = await serve(t, (request, response) => {
    asked++
    refuse(503, 'unavailable', 'STORE_BEHIND')(request, response)
  })
  const client = transport(t, await nobody(), cut, await serve(t, json('served')))
  assert.equal(await client.request('GET', '/', undefined), 'served')
  assert.equal(await client.request('GET', '/', undefined), 'served')
  assert.equal(asked, 1)
})

test('other refusals are answers: nobody else is asked', async (t) => {
  let asked = 0
  const first = await serve(t, refuse(409, 'conflict', 'NO'))
  const second = await serve(t, (request, response) => {
    asked++
    json('yes')(request, response)
  })
  await assert.rejects(transport(t, first, second).request('PUT', '/', {}), (error) => {
    return error instanceof NetpluginError && error.code === 'NO'
  })
  assert.equal(asked, 0)
})

test('who accepts and says nothing is left after two seconds; who is only slow is waited for', async (t) => {
  const hung = await serve(t, () => {})
  const slow = await serve(t, (request, response) => {
    const answer = () => json('slow')(request, response)
    if (request.url === '/healthz') answer()
    else setTimeout(answer, 2_500)
  })
  const started = Date.now()
  const client = transport(t, hung, slow)
  assert.equal(await client.request('GET', '/', undefined), 'slow')
  const ms = Date.now() - started
  assert.ok(ms > 4_000 && ms < 4_990, `${ms} ms`)
})

test('when nobody serves, the last reason is told, all having been asked twice', async (t) => {
  await assert.rejects(transport(t, await nobody(), await nobody()).request('GET', '/', undefined), (error) => {
    return error instanceof NetpluginError && error.code === 'NETMASTER_UNREACHABLE'
  })
})

test('a removal or creation whose answer was lost is no refusal when it is sent again', async (t) => {
  const dying: RequestListener = (request) => request.socket.destroy()
  const body = { tenantName: 'a', defaultNetwork: '' }
  const gone = createClient({
    baseUrl: [await serve(t, dying), await serve(t, refuse(404, 'not-found', 'TENANT_NOT_FOUND'))].join(','),
    timeoutMs: 5_000,
  })
  t.after(() => gone.close())
  assert.equal(await gone.tenants.remove('a'), 'a')
  const there = (view: object): RequestListener => {
    return (request, response) =>
      request.method === 'GET'
        ? json(view)(request, response)
        : refuse(412, 'conflict', 'PRECONDITION_FAILED')(request, response)
  }
  for (const [view, isOurs] of [
    [{ key: 'a', tenantName: 'a' }, true],
    [{ key: 'a', tenantName: 'b' }, false],
  ] as const) {
    const made = createClient({
      baseUrl: [await serve(t, dying), await serve(t, there(view))].join(','),
      timeoutMs: 5_000,
    })
    t.after(() => made.close())
    if (isOurs) assert.deepEqual(await made.tenants.create('a', body), view)
    else await assert.rejects(made.tenants.create('a', body))
  }
  // Without a lost answer it is one.
  const alone = createClient({
    baseUrl: await serve(t, refuse(404, 'not-found', 'TENANT_NOT_FOUND')),
    timeoutMs: 5_000,
  })
  t.after(() => alone.close())
  await assert.rejects(alone.tenants.remove('a'))
})

test('a server that died with a request on a kept-alive connection may have served it', async (t) => {
  let requests = 0
  const dying = createServer((request, response) => {
    if (++requests === 1) json('ok')(request, response)
    else {
      // As a process that is killed: the connection breaks, and nobody listens any more.
      dying.close()
      request.socket.resetAndDestroy()
    }
  }).listen(0, '127.0.0.1')
  await once(dying, 'listening')
  t.after(() => dying.closeAllConnections())
  const bound = dying.address()
  assert.ok(typeof bound === 'object' && bound !== null)
  const heir = await serve(t, refuse(404, 'not-found', 'TENANT_NOT_FOUND'))
  const client = createClient({ baseUrl: `http://127.0.0.1:${bound.port},${heir}`, timeoutMs: 5_000 })
  t.after(() => client.close())
  await client.tenants.get('a')
  assert.equal(await client.tenants.remove('a'), 'a')
})

test('a stream is cut when its server is left, and opened at the next', async (t) => {
  let isHung = false
  const line = (n: number) => `${JSON.stringify({ type: 'ping', revision: n })}\n`
  const first = await serve(t, (request, response) => {
    if (request.url?.includes('stream') === true) response.write(line(1))
    else if (!isHung) json({ epoch: 'e', revision: 1, masters: [second] })(request, response)
  })
  const second = await serve(t, (request, response) => {
    if (request.url?.includes('stream') === true) response.write(line(2))
    else json({ epoch: 'e', revision: 1 })(request, response)
  })
  const client = createNodeClient({ baseUrl: first, node: 'node1', timeoutMs: 5_000 })
  t.after(() => client.close())
  // Told of the other one only here.
  await client.heartbeat({})
  assert.equal(client.servers().length, 2)
  const stop = new AbortController()
  const read = async () => {
    const seen: number[] = []
    try {
      for await (const message of client.openStream(undefined, stop.signal)) {
        if (message.type === 'ping') seen.push(message.revision)
        if (seen[0] === 2) return seen
      }
    } catch (error) {
      assert.ok(error instanceof NetpluginError && error.code === 'NETMASTER_LEFT')
    }
    return seen
  }
  const reading = read()
  isHung = true
  await client.heartbeat({})
  assert.deepEqual(await reading, [1])
  assert.deepEqual(await read(), [2])
})

test('servers are written with commas, and host:port means http', () => {
  assert.equal(parseServerUrls('a:9999, https://b/x/'), 'http://a:9999,https://b/x')
  assert.equal(parseServerUrls('a:9999,'), undefined)
})
