import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { DockerRuntime } from './docker.ts'
import type { RuntimeEvent } from './runtime.ts'

const soon = () => AbortSignal.timeout(5_000)

interface Engine {
  readonly runtime: DockerRuntime
  /** `METHOD path` of every request, decoded. */
  readonly asked: readonly string[]
  readonly bodies: readonly unknown[]
}

/** An engine that gives the canned answer for `METHOD path` (without version and query), as [status, body]. */
async function engine(
  t: TestContext,
  answers: Readonly<Record<string, readonly [status: number, body: unknown]>>,
  apiVersion = '1.41',
): Promise<Engine> {
  const folder = await mkdtemp(join(tmpdir(), 'engine-'))
  const socketPath = join(folder, 'docker.sock')
  const asked: string[] = []
  const bodies: unknown[] = []
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const url = decodeURIComponent(request.url ?? '')
    asked.push(`${request.method} ${url}`)
    let text = ''
    for await (const chunk of request) text += chunk
    if (text !== '') bodies.push(JSON.parse(text))
    const key = `${request.method} ${url.replace(/^\/v[\d.]+/, '').replace(/\?.*/, '')}`
    const [status, body] =
      key === 'GET /version'
        ? [200, { Version: '20.10.24', ApiVersion: apiVersion, MinAPIVersion: '1.12' }]
        : (answers[key] ?? [404, { message: `no such thing: ${key}` }])
    response.writeHead(status, { 'content-type': 'application/json' })
    const answer = typeof body === 'string' ? body : JSON.stringify(body)
    // In two parts, cut anywhere: readers must not rely on where a message ends.
    response.write(answer.slice(0, 100))
    await setImmediate()
    response.end(answer.slice(100))
  }
  const server = createServer((request, response) => void serve(request, response))
  await new Promise<void>((resolve) => server.listen(socketPath, () => resolve()))
  t.after(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    await rm(folder, { recursive: true, force: true })
  })
  return { runtime: new DockerRuntime({ socketPath }), asked, bodies }
}

test('the version of the interface is settled once, and never above what the parsers know', async (t) => {
  const older = await engine(t, { 'GET /networks': [200, []] }, '1.41')
  const newer = await engine(t, { 'GET /networks': [200, []] }, '1.60')
  await older.runtime.networks({}, soon())
  await older.runtime.networks({ driver: 'netplugin' }, soon())
  await newer.runtime.networks({}, soon())
  assert.deepEqual(older.asked, [
    'GET /version',
    'GET /v1.41/networks',
    'GET /v1.41/networks?filters={"driver":["netplugin"]}',
  ])
  assert.deepEqual(newer.asked, ['GET /version', 'GET /v1.48/networks'])
})

test('an engine that is too old is refused with what to do', async (t) => {
  const { runtime } = await engine(t, {}, '1.40')
  await assert.rejects(runtime.networks({}, soon()), {
    code: 'DOCKER_TOO_OLD',
    message: /speaks API 1\.40; 1\.41 is needed: upgrade Docker/,
  })
})

test('a network is created with its drivers, pools, options and labels', async (t) => {
  const { runtime, bodies } = await engine(t, { 'POST /networks/create': [201, { Id: 'n1', Warning: '' }] })
  const id = await runtime.createNetwork(
    {
      name: 'blue/tenant-a',
      driver: 'netplugin',
      ipamDriver: 'netplugin',
      subnet: '10.1.0.0/24',
      gateway: '10.1.0.254',
      ipv6Subnet: 'fd00:1::/64',
      labels: { owner: 'netplugin' },
      options: { tenant: 'tenant-a' },
      ipamOptions: { tenant: 'tenant-a', network: 'blue' },
    },
    soon(),
  )
  assert.equal(id, 'n1')
  assert.deepEqual(bodies, [
    {
      Name: 'blue/tenant-a',
      CheckDuplicate: true,
      Driver: 'netplugin',
      Internal: false,
      EnableIPv6: true,
      IPAM: {
        Driver: 'netplugin',
        Options: { tenant: 'tenant-a', network: 'blue' },
        Config: [{ Subnet: '10.1.0.0/24', Gateway: '10.1.0.254' }, { Subnet: 'fd00:1::/64' }],
      },
      Options: { tenant: 'tenant-a' },
      Labels: { owner: 'netplugin' },
    },
  ])
})

test('networks without settings, as the engine writes them, are read', async (t) => {
  const { runtime } = await engine(t, {
    'GET /networks': [
      200,
      [
        {
          Id: 'n1',
          Name: 'none',
          Driver: 'null',
          EnableIPv6: false,
          IPAM: { Config: null },
          Options: null,
          Labels: {},
        },
      ],
    ],
  })
  assert.deepEqual(await runtime.networks({}, soon()), [
    { id: 'n1', name: 'none', driver: 'null', labels: {}, options: {}, subnets: [], enableIpv6: false },
  ])
})

test('containers are inspected, and one that goes away meanwhile is left out', async (t) => {
  const id = '1a28d41efc240f75eece8c372060075ab2f1096d585eb21e90636733d56823d4'
  const { runtime } = await engine(t, {
    'GET /containers/json': [200, [{ Id: id }, { Id: 'gone' }]],
    [`GET /containers/${id}/json`]: [
      200,
      {
        Id: id,
        Name: '/web',
        State: { Running: true, Paused: true, Pid: 4711 },
        Config: { Labels: { a: 'b' } },
        NetworkSettings: {
          Networks: {
            red: { NetworkID: 'n2', EndpointID: '', IPAddress: '', Aliases: null },
            blue: {
              NetworkID: 'n1',
              EndpointID: 'e1',
              IPAddress: '10.1.0.1',
              GlobalIPv6Address: 'FD00:1:0::1',
              MacAddress: '02:02:0a:01:00:01',
              Aliases: ['www', '1a28d41efc24', 'api', 'web'],
            },
          },
        },
      },
    ],
  })
  assert.deepEqual(await runtime.containers(soon()), [
    {
      id,
      name: 'web',
      labels: { a: 'b' },
      running: true,
      namespace: '/proc/4711/ns/net',
      attachments: [
        {
          networkId: 'n1',
          networkName: 'blue',
          endpointId: 'e1',
          ipv4: '10.1.0.1',
          ipv6: 'fd00:1::1',
          mac: '02:02:0a:01:00:01',
          aliases: ['api', 'www'],
        },
        { networkId: 'n2', networkName: 'red', endpointId: '', ipv4: '', ipv6: '', mac: '', aliases: [] },
      ],
    },
  ])
})

test('refusals keep the words of the engine and get a kind', async (t) => {
  const { runtime } = await engine(t, {
    'DELETE /networks/busy': [403, { message: 'error while removing network: busy has active endpoints' }],
    'POST /networks/create': [500, { message: 'plugin "netplugin" not found' }],
    'GET /networks': [200, 'not json'],
  })
  const spec = {
    name: 'x',
    driver: 'd',
    ipamDriver: 'd',
    subnet: '10.0.0.0/8',
    labels: {},
    options: {},
    ipamOptions: {},
  }
  await assert.rejects(runtime.removeNetwork('busy', soon()), {
    kind: 'conflict',
    code: 'NETWORK_IN_USE',
    message: /has active endpoints/,
  })
  await assert.rejects(runtime.createNetwork(spec, soon()), {
    kind: 'unavailable',
    code: 'DOCKER_FAILED',
    message: 'Docker: plugin "netplugin" not found',
  })
  await assert.rejects(runtime.networks({}, soon()), { kind: 'protocol', code: 'DOCKER_BAD_ANSWER' })
})

test('an engine that is not there is named with the way to start it', async () => {
  const runtime = new DockerRuntime({ socketPath: '/nonexistent/docker.sock' })
  await assert.rejects(runtime.version(soon()), {
    kind: 'unavailable',
    code: 'DOCKER_UNREACHABLE',
    message:
      'Docker does not answer: there is no socket /nonexistent/docker.sock; start it with: systemctl start docker',
  })
})

test('an engine that hangs is a timeout', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'engine-'))
  const socketPath = join(folder, 'docker.sock')
  const server = createServer(() => {})
  await new Promise<void>((resolve) => server.listen(socketPath, () => resolve()))
  t.after(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    await rm(folder, { recursive: true, force: true })
  })
  const runtime = new DockerRuntime({ socketPath })
  await assert.rejects(runtime.version(AbortSignal.timeout(20)), { kind: 'timeout', code: 'DOCKER_TIMEOUT' })
})

test('events arrive however the stream is cut, and the watch ends with the stream', async (t) => {
  const container = {
    Type: 'container',
    Action: 'start',
    Actor: { ID: 'c1', Attributes: { name: 'web', image: 'busybox' } },
  }
  const image = { Type: 'image', Action: 'pull', Actor: { ID: 'i1', Attributes: {} } }
  const network = { Type: 'network', Action: 'destroy', Actor: { ID: 'n1', Attributes: { name: 'blue' } } }
  const text = [container, image, network].map((event) => `${JSON.stringify(event)}\n`).join('')
  const { runtime, asked } = await engine(t, { 'GET /events': [200, text] })
  const seen: RuntimeEvent[] = []
  let openings = 0
  await runtime.watch((event) => seen.push(event), { opened: () => openings++ }, soon())
  assert.equal(openings, 1)
  assert.equal(asked[1], 'GET /v1.41/events?filters={"type":["container","network"]}')
  assert.deepEqual(seen, [
    { type: 'container', action: 'start', id: 'c1', name: 'web', attributes: { name: 'web', image: 'busybox' } },
    { type: 'network', action: 'destroy', id: 'n1', name: 'blue', attributes: { name: 'blue' } },
  ])
})
