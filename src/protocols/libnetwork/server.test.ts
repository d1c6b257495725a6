import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { Agent, type IncomingHttpHeaders, request } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { NetpluginError } from '../../lib/errors.ts'
import { silentLog } from '../../lib/log.ts'
import { LibnetworkClient } from './client.ts'
import type { Drivers } from './driver.ts'
import { fakeDrivers } from './fake-drivers.ts'
import { contentType } from './messages.ts'
import { noEndpointOptions, noNetworkOptions } from './options.ts'
import { LibnetworkServer } from './server.ts'

const soon = () => AbortSignal.timeout(5_000)

const plain = {
  pool: '10.60.0.0/24',
  address: '10.60.0.10/24',
  gateway: '10.60.0.254/24',
  mac: '02:02:0a:3c:00:0a',
  linkName: 'vvport1',
}

async function socketFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'libnetwork-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  return folder
}

async function plugin(t: TestContext, drivers: Drivers, callTimeoutMs = 5_000) {
  const socketPath = join(await socketFolder(t), 'plugins', 'test.sock')
  const server = new LibnetworkServer({ socketPath, callTimeoutMs }, { drivers, log: silentLog })
  await server.start(soon())
  const client = new LibnetworkClient({ socketPath })
  t.after(async () => {
    client.close()
    await server.stop(AbortSignal.timeout(0))
  })
  return { server, client, socketPath }
}

test('an idle connection is never closed on the engine', async (t) => {
  const { socketPath } = await plugin(t, fakeDrivers(plain))
  const agent = new Agent({ keepAlive: true })
  t.after(() => agent.destroy())
  const headers = await new Promise<IncomingHttpHeaders>((resolve, reject) => {
    const asked = request({ socketPath, agent, method: 'POST', path: '/Plugin.Activate' }, (response) => {
      response.resume().on('end', () => resolve(response.headers))
    })
    asked.on('error', reject).end('{}')
  })
  assert.equal(headers.connection, 'keep-alive')
  assert.equal(headers['keep-alive'], undefined, 'how long an idle connection would stay')
})

test('the engine finds both drivers and runs a container through them', async (t) => {
  const fake = fakeDrivers(plain)
  const { client } = await plugin(t, fake)
  const networkId = 'n1'
  const endpointId = 'e1'

  const active = await client.call('Plugin.Activate', {}, soon())
  assert.deepEqual(active.implements, ['NetworkDriver', 'IpamDriver'])
  const { scope } = await client.call('NetworkDriver.GetCapabilities', {}, soon())
  assert.equal(scope, 'local')
  const spaces = await client.call('IpamDriver.GetDefaultAddressSpaces', {}, soon())
  const { poolId, pool } = await client.call(
    'IpamDriver.RequestPool',
    { addressSpace: spaces.localDefault, pool: '', subPool: '', options: { tenant: 't1' }, v6: false },
    soon(),
  )
  const gateway = await client.call(
    'IpamDriver.RequestAddress',
    { poolId, address: '', options: { RequestAddressType: 'com.docker.network.gateway' } },
    soon(),
  )
  const ipam = { addressSpace: 'fakeLocal', pool, gateway: gateway.address, auxAddresses: {} }
  await client.call(
    'NetworkDriver.CreateNetwork',
    { networkId, options: noNetworkOptions, ipv4Data: [ipam], ipv6Data: [] },
    soon(),
  )
  const { address } = await client.call('IpamDriver.RequestAddress', { poolId, address: '', options: {} }, soon())
  const created = await client.call(
    'NetworkDriver.CreateEndpoint',
    {
      networkId,
      endpointId,
      interface: { address, addressIpv6: '', macAddress: '' },
      options: noEndpointOptions,
    },
    soon(),
  )
  assert.deepEqual(created.interface, { macAddress: plain.mac })
  const joined = await client.call(
    'NetworkDriver.Join',
    { networkId, endpointId, sandboxKey: '/run/docker/netns/1', options: noEndpointOptions },
    soon(),
  )
  assert.deepEqual(joined.interfaceName, { srcName: 'vvport1', dstPrefix: 'eth' })
  await client.call('NetworkDriver.Leave', { networkId, endpointId }, soon())
  await client.call('NetworkDriver.DeleteEndpoint', { networkId, endpointId }, soon())
  await client.call('IpamDriver.ReleaseAddress', { poolId, address: '10.60.0.10' }, soon())

  assert.deepEqual(
    fake.recorded.map(({ call }) => call),
    [
      'requestPool',
      'requestAddress',
      'createNetwork',
      'requestAddress',
      'createEndpoint',
      'join',
      'leave',
      'deleteEndpoint',
      'releaseAddress',
    ],
  )
  assert.deepEqual(fake.recorded[0]?.request, {
    addressSpace: 'fakeLocal',
    pool: '',
    subPool: '',
    options: { tenant: 't1' },
    v6: false,
  })
})

test('answers carry the type that the engine asks for', async (t) => {
  const { client } = await plugin(t, fakeDrivers(plain))
  const answer = await client.post('Plugin.Activate', '', soon())
  assert.deepEqual(answer, {
    status: 200,
    contentType,
    text: '{"Implements":["NetworkDriver","IpamDriver"]}',
  })
})

test('a plugin of one kind has no calls of the other', async (t) => {
  const { client } = await plugin(t, { ipam: fakeDrivers(plain).ipam })
  const active = await client.call('Plugin.Activate', {}, soon())
  const answer = await client.post('NetworkDriver.GetCapabilities', 'null', soon())
  assert.deepEqual(active.implements, ['IpamDriver'])
  assert.equal(answer.status, 404)
})

test('a driver that fails is answered with status 500 and its message, whatever the kind', async (t) => {
  const fake = fakeDrivers(plain)
  const failures = [
    new NetpluginError('not-found', 'NO_NETWORK', 'network "blue" is not known; see netctl net ls'),
    new NetpluginError('exhausted', 'POOL_EMPTY', 'subnet 10.60.0.0/24 has no free address'),
    new TypeError('x is undefined'),
  ]
  const { client } = await plugin(t, {
    network: {
      ...fake.network,
      deleteNetwork: async () => {
        throw failures.shift()
      },
    },
  })
  for (const message of [...failures].map((failure) => failure.message)) {
    const answer = await client.post('NetworkDriver.DeleteNetwork', '{"NetworkID":"n"}', soon())
    assert.deepEqual({ status: answer.status, body: JSON.parse(answer.text) }, { status: 500, body: { Err: message } })
  }
})

test('requests that cannot be read are refused without reaching the driver', async (t) => {
  const fake = fakeDrivers(plain)
  const { client } = await plugin(t, fake)
  const post = (body: string) => client.post('NetworkDriver.DeleteNetwork', body, soon())

  const broken = await post('{"NetworkID":')
  assert.equal(broken.status, 400)
  assert.match(broken.text, /"Err":"NetworkDriver\.DeleteNetwork: the request is not JSON/)
  const typed = await post('{"NetworkID":7}')
  assert.deepEqual(
    { status: typed.status, text: typed.text },
    { status: 400, text: '{"Err":"NetworkDriver.DeleteNetwork: NetworkID must be a non-empty string, not number"}' },
  )
  const huge = await post(`{"NetworkID":"${'x'.repeat(1024 * 1024)}"}`)
  assert.equal(huge.status, 400)
  assert.match(huge.text, /at most 1048576 are read/)
  assert.deepEqual(fake.recorded, [])
})

test('an unknown call is answered with 404', async (t) => {
  const { client } = await plugin(t, fakeDrivers(plain))
  const answer = await client.post('NetworkDriver.Fly', '{}', soon())
  assert.deepEqual(JSON.parse(answer.text), { Err: 'this plugin has no call POST /NetworkDriver.Fly' })
  assert.equal(answer.status, 404)
})

test('a call that hangs is answered at its deadline and its signal aborts', async (t) => {
  const fake = fakeDrivers(plain)
  let seen: AbortSignal | undefined
  const hang = (_: unknown, signal: AbortSignal) => {
    seen = signal
    return new Promise<never>(() => {})
  }
  const { client } = await plugin(t, { network: { ...fake.network, join: hang } }, 30)
  const answer = await client.post('NetworkDriver.Join', '{"NetworkID":"n","EndpointID":"e"}', soon())
  assert.equal(answer.status, 500)
  assert.match(answer.text, /no result within 0\.03 s/)
  assert.equal(seen?.aborted, true)
})

test('stopping waits for a running call and removes the socket', async (t) => {
  const fake = fakeDrivers(plain)
  const started = Promise.withResolvers<void>()
  const finish = Promise.withResolvers<void>()
  const { server, client, socketPath } = await plugin(t, {
    network: {
      ...fake.network,
      leave: async () => {
        started.resolve()
        await finish.promise
      },
    },
  })
  const leaving = client.call('NetworkDriver.Leave', { networkId: 'n', endpointId: 'e' }, soon())
  await started.promise
  const stopping = server.stop(soon())
  finish.resolve()
  await leaving
  await stopping
  assert.equal(existsSync(socketPath), false)
})

test('stopping aborts a call that does not end in time', async (t) => {
  const fake = fakeDrivers(plain)
  const started = Promise.withResolvers<void>()
  const { server, client } = await plugin(t, {
    network: {
      ...fake.network,
      leave: () => {
        started.resolve()
        return new Promise<never>(() => {})
      },
    },
  })
  const leaving = client.post('NetworkDriver.Leave', '{"NetworkID":"n","EndpointID":"e"}', soon())
  await started.promise
  await server.stop(AbortSignal.timeout(10))
  assert.match((await leaving).text, /the plugin is stopping/)
})

test('a socket file left by a dead process is replaced', async (t) => {
  const socketPath = join(await socketFolder(t), 'test.sock')
  const dead = createServer()
  await new Promise<void>((resolve) => dead.listen(`${socketPath}.old`, () => resolve()))
  await rename(`${socketPath}.old`, socketPath)
  await new Promise<void>((resolve) => dead.close(() => resolve()))
  assert.equal(existsSync(socketPath), true)

  const server = new LibnetworkServer({ socketPath, callTimeoutMs: 1_000 }, { drivers: {}, log: silentLog })
  await server.start(soon())
  const client = new LibnetworkClient({ socketPath })
  assert.deepEqual((await client.call('Plugin.Activate', {}, soon())).implements, [])
  client.close()
  await server.stop(soon())
})

test('a socket that is served, and a file that is no socket, are left alone', async (t) => {
  const { socketPath } = await plugin(t, fakeDrivers(plain))
  const second = new LibnetworkServer({ socketPath, callTimeoutMs: 1_000 }, { drivers: {}, log: silentLog })
  await assert.rejects(second.start(soon()), { kind: 'conflict', code: 'PLUGIN_SOCKET_IN_USE' })

  const file = join(await socketFolder(t), 'file')
  await writeFile(file, 'keep')
  const third = new LibnetworkServer({ socketPath: file, callTimeoutMs: 1_000 }, { drivers: {}, log: silentLog })
  await assert.rejects(third.start(soon()), { message: /not a socket/ })
  assert.equal(existsSync(file), true)
})

test('a plugin that is away is reported as such', async (t) => {
  const socketPath = join(await socketFolder(t), 'none.sock')
  const client = new LibnetworkClient({ socketPath })
  await assert.rejects(client.call('Plugin.Activate', {}, soon()), { kind: 'unavailable', code: 'PLUGIN_UNREACHABLE' })
})
