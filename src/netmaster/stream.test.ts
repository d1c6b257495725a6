// The stream over a real socket, read by the agent's client.

import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { createNodeClient, type NodeClient, type StreamPosition } from '../api/node-client.ts'
import { MemoryStore } from '../drivers/store/index.ts'
import { NetpluginError } from '../lib/errors.ts'
import { applyChanges } from '../model/apply-changes.ts'
import { type ClusterState, emptyState, type StreamMessage } from '../model/state.ts'
import { streamState } from './stream.ts'
import { startTestNetmaster, type TestNetmaster } from './testing.ts'

interface Served extends TestNetmaster {
  readonly client: NodeClient
  readonly baseUrl: string
}

async function serve(options: Parameters<typeof startTestNetmaster>[0] = {}): Promise<Served> {
  const netmaster = await startTestNetmaster(options)
  const baseUrl = `http://${await netmaster.netmaster.start({ host: '127.0.0.1', port: 0 })}`
  return { ...netmaster, baseUrl, client: createNodeClient({ baseUrl, node: 'node1', timeoutMs: 5_000 }) }
}

function scenario(
  title: string,
  body: (served: Served) => Promise<void>,
  options?: Parameters<typeof startTestNetmaster>[0],
): void {
  test(title, { timeout: 20_000 }, async () => {
    const served = await serve(options)
    try {
      await body(served)
    } finally {
      served.client.close()
      await served.stop()
    }
  })
}

/** What an agent does with the stream. */
class Reader {
  state: ClusterState = emptyState
  epoch = ''
  readonly types: string[] = []
  readonly #messages: AsyncIterator<StreamMessage>
  readonly #stop = new AbortController()

  constructor(client: NodeClient, since?: StreamPosition) {
    const stop = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(10_000)])
    this.#messages = client.openStream(since, stop)[Symbol.asyncIterator]()
  }

  async until(done: (state: ClusterState, message: StreamMessage) => boolean): Promise<StreamMessage> {
    while (true) {
      const { value: message, done: ended } = await this.#messages.next()
      if (ended) throw new Error(`the stream ended after ${this.types.join(', ')}`)
      this.#take(message)
      if (done(this.state, message)) return message
    }
  }

  async close(): Promise<void> {
    this.#stop.abort(new Error('closed by the test'))
    await this.#messages.next().catch(() => {})
  }

  #take(message: StreamMessage): void {
    if (message.type === 'members-begin') return
    this.types.push(message.type)
    if (message.type === 'begin') {
      this.epoch = message.epoch
      this.state = emptyState
    } else if (message.type === 'resume') this.epoch = message.epoch
    else if (message.type === 'records') this.state = applyChanges(this.state, this.state.revision, message.changes)
    else if (message.type === 'end') this.state = { ...this.state, revision: message.revision }
    else if (message.type === 'delta') this.state = applyChanges(this.state, message.revision, message.changes)
  }
}

const addNetwork = (served: Served, name: string, subnet: string) =>
  served.ok('POST', `/api/v1/networks/default:${name}/`, { networkName: name, tenantName: 'default', subnet })

scenario('a node gets a snapshot, then each change, until its state is that of the cluster', async (served) => {
  await addNetwork(served, 'a', '10.1.0.0/24')
  const reader = new Reader(served.client)
  await reader.until((_, message) => message.type === 'end')
  assert.deepEqual([...reader.state.networks.keys()], ['default:a'])
  await addNetwork(served, 'b', '10.2.0.0/24')
  const { endpoint, revision } = await served.client.createEndpoint({ NetworkName: 'b', EndpointID: 'e' })
  await reader.until((state) => state.revision >= revision)
  assert.deepEqual(reader.state.endpoints.get('e'), endpoint)
  await served.client.deleteEndpoint({ EndpointID: 'e' })
  await reader.until((state) => !state.endpoints.has('e'))
  assert.deepEqual([...reader.state.tenants.values()], [{ tenantName: 'default', defaultNetwork: '', tenantId: 1 }])
  assert.equal(reader.state.revision, served.netmaster.cluster.revision)
  await reader.close()
})

scenario('a node that comes back gets only what it missed', async (served) => {
  const reader = new Reader(served.client)
  await reader.until((_, message) => message.type === 'end')
  await reader.close()
  await addNetwork(served, 'a', '10.1.0.0/24')
  const again = new Reader(served.client, { epoch: reader.epoch, revision: reader.state.revision })
  await again.until((state) => state.networks.has('default:a'))
  assert.deepEqual(again.types, ['resume', 'delta'])
  await again.close()
})

scenario(
  'what memory has forgotten is read from the store',
  async (served) => {
    const start = served.netmaster.cluster.revision
    for (let n = 0; n < 20; n++) await addNetwork(served, `n${n}`, `10.${n}.0.0/24`)
    assert.equal(served.netmaster.cluster.changesAfter(start), undefined)
    const reader = new Reader(served.client, { epoch: served.netmaster.cluster.epoch, revision: start })
    await reader.until((state) => state.networks.has('default:n19'))
    assert.equal(reader.types[0], 'resume')
    assert.equal(reader.state.networks.size, 20)
    assert.equal(reader.types.filter((type) => type === 'delta').length, 20)
    await reader.close()
  },
  { historyLimit: 5 },
)

test('what memory forgets while the store is read is not left out', { timeout: 20_000 }, async () => {
  const store = new MemoryStore({ historyLimit: 10_000 }, { newEpoch: () => 'epoch-of-a-test' })
  const reading = Promise.withResolvers<void>()
  const goOn = Promise.withResolvers<void>()
  const watch = store.watch.bind(store)
  store.watch = async function* (from, signal) {
    reading.resolve()
    await goOn.promise
    yield* watch(from, signal)
  }
  const served = await serve({ store, historyLimit: 5 })
  try {
    const start = served.netmaster.cluster.revision
    for (let n = 0; n < 20; n++) await addNetwork(served, `n${n}`, `10.${n}.0.0/24`)
    const reader = new Reader(served.client, { epoch: served.netmaster.cluster.epoch, revision: start })
    const read = reader.until((state) => state.networks.has('default:n39'))
    await reading.promise
    for (let n = 20; n < 40; n++) await addNetwork(served, `n${n}`, `10.${n}.0.0/24`)
    goOn.resolve()
    await read
    assert.deepEqual([reader.types[0], reader.state.networks.size], ['resume', 40])
    await reader.close()
  } finally {
    served.client.close()
    await served.stop()
  }
})

scenario('another epoch, or a revision that is yet to come, means a snapshot', async (served) => {
  const { epoch, revision } = served.netmaster.cluster
  for (const since of [
    { epoch: 'of another store', revision: 1 },
    { epoch, revision: revision + 50 },
  ]) {
    const reader = new Reader(served.client, since)
    await reader.until((_, message) => message.type === 'end')
    assert.equal(reader.types[0], 'begin')
    await reader.close()
  }
})

scenario('a large snapshot comes in pieces of at most 500 records', async (served) => {
  await served.ok('POST', '/api/v1/networks/default:n/', {
    networkName: 'n',
    tenantName: 'default',
    subnet: '10.0.0.0/16',
  })
  const create = (n: number) => served.client.createEndpoint({ NetworkName: 'n', EndpointID: `e${n}` })
  // Some at a time: each has a deadline, however busy the machine is.
  for (let first = 0; first < 1_200; first += 50)
    await Promise.all(Array.from({ length: 50 }, (_, n) => create(first + n)))
  const reader = new Reader(served.client)
  const sizes: number[] = []
  await reader.until((_, message) => {
    if (message.type === 'records') sizes.push(message.changes.length)
    return message.type === 'end'
  })
  assert.ok(sizes.length >= 3 && sizes.every((size) => size <= 500), String(sizes))
  assert.equal(reader.state.endpoints.size, 1_200)
  await reader.close()
})

scenario('while nothing happens, pings tell that the connection lives', async (served) => {
  const reader = new Reader(served.client)
  await reader.until((_, message) => message.type === 'end')
  const ping = reader.until((_, message) => message.type === 'ping')
  // The timer is set once the stream waits; moving the clock again and again meets it.
  const mover = setInterval(() => served.clock.advance(5_000), 20)
  try {
    assert.equal((await ping).type, 'ping')
  } finally {
    clearInterval(mover)
  }
  await reader.close()
})

scenario(
  'a reader that takes nothing while history moves on is cut',
  async (served) => {
    const output = new PassThrough({ highWaterMark: 1 })
    const { cluster } = served.netmaster
    const streaming = streamState(output, undefined, { cluster, clock: served.clock }, AbortSignal.timeout(10_000))
    for (let n = 0; n < 30; n++) await addNetwork(served, `n${n}`, `10.${n}.0.0/24`)
    output.resume()
    await streaming
  },
  { historyLimit: 5 },
)

scenario('the stream ends when netmaster stops, and the reader is told', async (served) => {
  const reader = new Reader(served.client)
  await reader.until((_, message) => message.type === 'end')
  const next = reader.until(() => false)
  await served.netmaster.stop()
  await assert.rejects(next)
})

scenario('a node registers, beats, and is listed; it counts as gone after 15 s of silence', async (served) => {
  const { client, clock } = served
  await assert.rejects(
    client.heartbeat({ bootId: 'b' }),
    (error) => error instanceof NetpluginError && error.code === 'NODE_NOT_FOUND',
  )
  const body = {
    controlAddress: '192.0.2.1',
    vtep: '198.51.100.1',
    bootId: 'b',
    version: '1',
    uplinks: ['eth1'],
    mtu: 1_500,
  }
  const registered = await client.register(body)
  assert.equal(registered.epoch, 'epoch-of-a-test')
  assert.equal((await client.register(body)).revision, registered.revision, 'the same again changes nothing')
  await client.heartbeat({ bootId: 'b', appliedRevision: 3, endpoints: 7, problems: ['none'] })
  const expected = {
    name: 'node1',
    ...body,
    alive: true,
    state: 'lives',
    lastSeen: clock.now(),
    appliedRevision: 3,
    endpoints: 7,
    problems: ['none'],
  }
  assert.deepEqual(await client.nodes(), [expected])
  clock.advance(15_000)
  assert.deepEqual(
    (await client.nodes()).map((node) => node.alive),
    [false],
  )
  await client.register({ ...body, protocol: 2 })
  await assert.rejects(
    client.register({ protocol: 3 }),
    (error) => error instanceof NetpluginError && error.code === 'PROTOCOL_VERSION',
  )
})

scenario(
  'who asks for nodes that have a revision is answered when they have it, and after half a second',
  async (served) => {
    const { client, clock } = served
    await client.register({ bootId: 'b' })
    await client.heartbeat({ bootId: 'b', appliedRevision: 3 })
    const applied = async (revision: string) => {
      const answer = await fetch(`${served.baseUrl}/internal/v1/nodes/applied/${revision}`)
      return (await answer.json()) as { appliedRevision: number }[]
    }
    assert.equal((await applied('3'))[0]?.appliedRevision, 3)
    let answered = false
    const held = applied('4').finally(() => {
      answered = true
    })
    await applied('2')
    assert.equal(answered, false)
    await client.heartbeat({ bootId: 'b', appliedRevision: 4 })
    assert.equal((await held)[0]?.appliedRevision, 4)
    const late = applied('5')
    await applied('2')
    clock.advance(500)
    assert.equal((await late)[0]?.appliedRevision, 4)
    assert.equal((await fetch(`${served.baseUrl}/internal/v1/nodes/applied/soon`)).status, 400)
  },
)

scenario('a tunnel end has one node: the latest to register with it', async (served) => {
  await served.client.register({ vtep: '198.51.100.1' })
  const renamed = createNodeClient({ baseUrl: served.baseUrl, node: 'node1-renamed', timeoutMs: 5_000 })
  await renamed.register({ vtep: '198.51.100.1' })
  renamed.close()
  assert.deepEqual(
    (await served.client.nodes()).map(({ name, vtep }) => [name, vtep]),
    [
      ['node1', ''],
      ['node1-renamed', '198.51.100.1'],
    ],
  )
})
