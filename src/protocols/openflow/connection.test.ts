import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { openflowContract } from '../../../test/support/openflow-contract.ts'
import { systemClock } from '../../lib/clock.ts'
import { silentLog } from '../../lib/log.ts'
import { FakeSwitch } from './fake-switch.ts'
import { type Flow, OpenFlowConnection, type PacketIn } from './index.ts'

const deps = { log: silentLog, clock: systemClock }
const deadline = () => AbortSignal.timeout(5_000)

let dir = ''
let serial = 0
const ports = [{ port: 0xfffffffe, name: 'br0', mac: '02:00:00:00:00:01' }]

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'openflow-'))
})
after(() => rm(dir, { recursive: true, force: true }))

async function withFake(
  body: (fake: FakeSwitch, connect: (requestTimeoutMs?: number) => Promise<OpenFlowConnection>) => Promise<void>,
): Promise<void> {
  const fake = await FakeSwitch.listen({ path: join(dir, `${serial++}.sock`), ports })
  const open: OpenFlowConnection[] = []
  const connect = async (requestTimeoutMs = 5_000) => {
    const connection = await OpenFlowConnection.connect({ path: fake.path, requestTimeoutMs }, deps, deadline())
    open.push(connection)
    return connection
  }
  try {
    await body(fake, connect)
  } finally {
    for (const connection of open) connection.close()
    await fake.close()
  }
}

const flow: Flow = { table: 1, priority: 2, cookie: 3n, match: { in_port: 4 }, actions: [] }

openflowContract('the fake switch', async () => {
  const fake = await FakeSwitch.listen({ path: join(dir, 'contract.sock'), ports })
  return { path: fake.path, stop: () => fake.close() }
})

describe('when things go wrong', () => {
  test('says what to look at when nobody listens', async () => {
    await assert.rejects(OpenFlowConnection.connect({ path: join(dir, 'nobody') }, deps), {
      kind: 'unavailable',
      code: 'OPENFLOW_CONNECT',
      message: /is ovs-vswitchd running, and does the bridge exist\?/,
    })
  })

  test('a switch that hangs ends every wait by its deadline', async () => {
    await withFake(async (fake, connect) => {
      const connection = await connect(100)
      fake.setSilent(true)
      await assert.rejects(connection.barrier(), { kind: 'timeout', code: 'OPENFLOW_TIMEOUT', message: /a barrier/ })
      await assert.rejects(connection.bundle([{ op: 'add-flow', flow }]), { code: 'OPENFLOW_TIMEOUT' })
    })
  })

  test('a switch that hangs before it greets ends the connecting', async () => {
    await withFake(async (fake) => {
      fake.setSilent(true)
      const options = { path: fake.path, handshakeTimeoutMs: 50 }
      await assert.rejects(OpenFlowConnection.connect(options, deps), { code: 'OPENFLOW_TIMEOUT' })
    })
  })

  test('a switch that goes away fails what is under way and settles `closed` with the reason', async () => {
    await withFake(async (fake, connect) => {
      const connection = await connect()
      fake.setSilent(true)
      const pending = assert.rejects(connection.flows(), { kind: 'unavailable', code: 'OPENFLOW_CLOSED' })
      fake.cut()
      await pending
      assert.ok((await connection.closed) instanceof Error)
      await assert.rejects(connection.bundle([{ op: 'add-flow', flow }]), { code: 'OPENFLOW_CLOSED' })
    })
  })

  test('a switch that restarts has forgotten its flows', async () => {
    await withFake(async (fake, connect) => {
      await (await connect()).bundle([{ op: 'add-flow', flow }])
      assert.equal(fake.flows().length, 1)
      fake.restart()
      assert.deepEqual(await (await connect()).flows(), [])
    })
  })

  test('a refusal told to the fake switch arrives as the error of that name', async () => {
    await withFake(async (fake, connect) => {
      const connection = await connect()
      fake.refuseWhen((m) => (m.op === 'add-flow' && m.flow.table === 1 ? 'OFPFMFC_TABLE_FULL' : undefined))
      const bundle = connection.bundle([
        { op: 'add-flow', flow: { ...flow, table: 0 } },
        { op: 'add-flow', flow },
      ])
      await assert.rejects(bundle, { kind: 'exhausted', code: 'OFPFMFC_TABLE_FULL' })
      assert.deepEqual(fake.flows(), [])
    })
  })

  test('a bundle that fails is discarded', async () => {
    await withFake(async (fake, connect) => {
      const connection = await connect()
      const withoutProtocol = { ...flow, match: { tcp_dst: 80 } }
      await assert.rejects(connection.bundle([{ op: 'add-flow', flow: withoutProtocol }]))
      const unencodable = { ...flow, match: { reg0: -1 } }
      await assert.rejects(connection.bundle([{ op: 'add-flow', flow: unencodable }]))
      await connection.barrier()
      assert.equal(fake.openBundles.size, 0)
    })
  })

  test('bundles go one after the other, however large', async () => {
    await withFake(async (fake, connect) => {
      const connection = await connect()
      const many = Array.from(
        { length: 5_000 },
        (_, priority) => ({ op: 'add-flow', flow: { ...flow, priority } }) as const,
      )
      await Promise.all([connection.bundle(many), connection.bundle(many.slice(0, 1))])
      assert.deepEqual(
        fake.applied.map((bundle) => bundle.length),
        [5_000, 1],
      )
    })
  })

  test('one who waits for the turn to write can give up', async () => {
    await withFake(async (fake, connect) => {
      const connection = await connect(100)
      fake.setSilent(true)
      const first = assert.rejects(connection.bundle([{ op: 'add-flow', flow }]), { code: 'OPENFLOW_TIMEOUT' })
      const reason = new Error('gave up')
      const aborting = new AbortController()
      const second = assert.rejects(connection.bundle([{ op: 'add-flow', flow }], aborting.signal), reason)
      aborting.abort(reason)
      await second
      await first
    })
  })
})

describe('packets', () => {
  const packetIn: PacketIn = {
    table: 7,
    cookie: 0x99n,
    reason: 1,
    fields: { in_port: 3, reg0: 5 },
    packet: Buffer.from('0102030405', 'hex'),
    userdata: 'beef',
  }

  test('a packet handed to the program reaches every listener, even behind one that fails', async () => {
    await withFake(async (fake, connect) => {
      const connection = await connect()
      const received = Promise.withResolvers<PacketIn>()
      connection.onPacketIn(() => {
        throw new Error('listener out of order')
      })
      connection.onPacketIn(received.resolve)
      await connection.barrier(deadline())
      fake.sendPacketIn(packetIn)
      assert.deepEqual(await received.promise, packetIn)
    })
  })

  test('a packet sent out arrives with its actions', async () => {
    await withFake(async (fake, connect) => {
      const connection = await connect()
      const out = { inPort: 'controller', actions: [{ type: 'output', port: 5 }], packet: packetIn.packet } as const
      connection.packetOut(out)
      await connection.barrier(deadline())
      assert.deepEqual(fake.packetsOut, [out])
    })
  })
})

/** A peer that does what `script` says with each chunk it receives. */
async function withPeer(
  script: (socket: Socket, chunk: Buffer) => void,
  body: (path: string) => Promise<void>,
): Promise<void> {
  const path = join(dir, `${serial++}.sock`)
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('data', (chunk: Buffer) => script(socket, chunk))
    socket.on('error', () => socket.destroy())
  })
  server.listen(path)
  await once(server, 'listening')
  try {
    await body(path)
  } finally {
    for (const socket of sockets) socket.destroy()
    server.close()
    await once(server, 'close')
  }
}

const hello = '0500000800000000'
const features = (xid: string) => `05060020${xid}000002000000000100000000fe0000000000000000000000`

describe('a peer that is no proper switch', () => {
  test('one that speaks only OpenFlow 1.0 is refused with what to change', async () => {
    const script = (socket: Socket) => socket.write(Buffer.from('0100000800000000', 'hex'))
    await withPeer(script, async (path) => {
      await assert.rejects(OpenFlowConnection.connect({ path }, deps, deadline()), {
        code: 'OPENFLOW_VERSION',
        message: /add OpenFlow14 to the bridge's "protocols"/,
      })
    })
  })

  test('one that talks garbage ends the connection, not the program', async () => {
    const script = (socket: Socket) => socket.write(Buffer.from('GET / HTTP/1.1\r\n\r\n'))
    await withPeer(script, async (path) => {
      const options = { path, handshakeTimeoutMs: 100 }
      await assert.rejects(OpenFlowConnection.connect(options, deps, deadline()))
    })
  })

  test('one that sends a header with an impossible length loses the connection', async () => {
    const script = (socket: Socket, chunk: Buffer) => {
      if (chunk[1] === 0) socket.write(Buffer.from(hello, 'hex'))
      else socket.write(Buffer.from(chunk[1] === 5 ? features('00000002') : '0515000400000003', 'hex'))
    }
    await withPeer(script, async (path) => {
      const connection = await OpenFlowConnection.connect({ path }, deps, deadline())
      await assert.rejects(connection.barrier(deadline()), { code: 'OPENFLOW_CLOSED' })
      assert.match(String(await connection.closed), /OpenFlow message with length 4/)
    })
  })

  test('an echo request is answered with its own bytes', async () => {
    const answer = Promise.withResolvers<string>()
    const script = (socket: Socket, chunk: Buffer) => {
      if (chunk[1] === 0) socket.write(Buffer.from(hello, 'hex'))
      else if (chunk[1] === 5) socket.write(Buffer.from(`${features('00000002')}0502000cabcd123461626364`, 'hex'))
      else answer.resolve(chunk.toString('hex'))
    }
    await withPeer(script, async (path) => {
      const connection = await OpenFlowConnection.connect({ path }, deps, deadline())
      assert.equal(await answer.promise, '0503000cabcd123461626364')
      connection.close()
    })
  })
})
