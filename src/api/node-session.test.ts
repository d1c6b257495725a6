// Numbers of a node's requests, over sockets: what got no answer has a lower one than all that follows.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { createNodeClient } from './node-client.ts'
import { NodeSession } from './node-session.ts'

type Answer = (number: number, response: ServerResponse, request: IncomingMessage) => void

/** A netmaster that answers each request as it is told, by its number; `numbers` are those that came. */
async function setup(t: TestContext, ...answers: readonly Answer[]) {
  const numbers: number[] = []
  const urls: string[] = []
  for (const answer of answers) {
    const server = createServer(async (request, response) => {
      if (request.url === '/healthz') return
      const { Session, session = Session } = JSON.parse(await text(request)) as Record<string, number>
      numbers.push(session ?? -1)
      answer(session ?? -1, response, request)
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.after(() => server.close().closeAllConnections())
    const bound = server.address()
    assert.ok(typeof bound === 'object' && bound !== null)
    urls.push(`http://127.0.0.1:${bound.port}`)
  }
  const session = new NodeSession({ start: 0 })
  const client = createNodeClient({ baseUrl: urls.join(','), node: 'node1', timeoutMs: 5_000, session })
  t.after(() => client.close())
  const ask = (signal?: AbortSignal) => client.deleteEndpoint({ EndpointID: 'e' }, signal)
  await session.register(async () => {})
  return { client, session, numbers, ask }
}

const say = (status: number, body: object, response: ServerResponse) =>
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
const done: Answer = (_, response) => say(200, { EndpointConfig: null, endpoint: null, revision: 1 }, response)
const refuse = (code: string, details: object = {}): Answer => {
  return (_, response) => say(409, { kind: 'conflict', code, message: code, details }, response)
}

test('requests that are answered have the same number, refusals included', async (t) => {
  let isNo = true
  const { ask, numbers, client } = await setup(t, (...asked) => {
    if (isNo) refuse('ENDPOINT_ELSEWHERE')(...asked)
    else done(...asked)
  })
  await assert.rejects(ask(), { code: 'ENDPOINT_ELSEWHERE' })
  isNo = false
  await ask()
  await client.register({ vtep: '192.0.2.1' })
  assert.deepEqual(numbers, [0, 0, 0])
})

test('what a server that hangs was asked is asked of the next with a higher number', async (t) => {
  const { ask, numbers } = await setup(t, () => {}, done)
  await ask()
  await ask()
  assert.deepEqual(numbers, [0, 1, 1])
})

test('whoever gives up, is cut off, or hears of trouble begins another session', async (t) => {
  const troubles: Answer[] = [
    () => {},
    (_, __, request) => request.socket.destroy(),
    (_, response) => say(503, { kind: 'unavailable', code: 'STORE_UNCERTAIN', message: '', details: {} }, response),
    (_, response) => response.writeHead(200).end('{'),
  ]
  const { ask, numbers, session } = await setup(t, (...asked) => (troubles.shift() ?? done)(...asked))
  await assert.rejects(ask(AbortSignal.timeout(100)))
  assert.equal(session.number, 1)
  for (let tries = 0; tries < 3; tries++) await assert.rejects(ask())
  await ask()
  const [before = 0, last = 0] = numbers.slice(-2)
  assert.ok(last > before, String(numbers))
  assert.ok(
    numbers.every((number, at) => number >= (numbers[at - 1] ?? 0)),
    String(numbers),
  )
})

test('a request that another one overtook is sent again, and so is that of an agent that lost its numbers', async (t) => {
  const { ask, numbers } = await setup(t, (number, ...rest) => {
    if (number < 1_000) refuse('SESSION_OLD', { session: 1_000 })(number, ...rest)
    else done(number, ...rest)
  })
  await ask()
  assert.deepEqual(numbers, [0, 1_001])
})

test('a host that was removed can try again', async (t) => {
  const { ask } = await setup(t, refuse('NODE_UNREGISTERED'))
  await assert.rejects(ask(), { code: 'NODE_UNREGISTERED', retryable: true })
})

test('where another program asks in the name of the node, it ends with an error that can be tried again', async (t) => {
  const { ask } = await setup(t, (number, ...rest) => refuse('SESSION_OLD', { session: number })(number, ...rest))
  await assert.rejects(ask(), { code: 'SESSION_OLD', retryable: true })
})

test('nothing is asked for before netmaster has heard of this start, and whoever waits hears why it has not', async () => {
  const session = new NodeSession({ start: 1 })
  const order: string[] = []
  const asked = session.request(async () => order.push('asked'))
  await assert.rejects(session.register(() => Promise.reject(new Error('nobody there'))))
  await assert.rejects(asked, { code: 'NODE_UNREGISTERED', retryable: true, message: /nobody there/ })
  const again = session.request(async () => order.push('asked'))
  await session.register(async () => order.push('registered'))
  await again
  assert.deepEqual(order, ['registered', 'asked'])
  await assert.rejects(
    new NodeSession({ start: 1 }).request(async () => {}, AbortSignal.abort(new Error('gone'))),
    /gone/,
  )
})

test('each start begins above all numbers of the one before', () => {
  const before = new NodeSession({ start: 6 })
  for (let n = 0; n < 1_000_000; n++) before.unanswered()
  assert.ok(new NodeSession({ start: 7 }).number > before.number)
})
