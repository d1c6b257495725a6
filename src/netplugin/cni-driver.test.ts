// The CNI plugin's commands, as a runtime's executable brings them.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { endpointRecord } from '../../test/support/cluster.ts'
import { FakeHost } from '../drivers/host/fake.ts'
import { FakeContainers } from '../drivers/host/fake-containers.ts'
import { NetpluginError } from '../lib/errors.ts'
import { FakeClock } from '../lib/fake-clock.ts'
import type { ClusterState, EndpointRecord } from '../model/state.ts'
import { answerRequest } from '../protocols/cni/index.ts'
import { Attachments } from './attachments.ts'
import { CniDriver } from './cni-driver.ts'
import { CniInterfaces } from './cni-interfaces.ts'
import { FakeNodeClient, unreachable } from './fake-node-client.ts'
import { Outbox } from './outbox.ts'
import { PublishedPorts } from './published-ports.ts'
import { background, random, recordingLog, scratch, small, until } from './testing.ts'

const netns = '/run/netns/c1'
const id = 'cni:c1:eth0'
const ipv4 = '10.1.0.9'
const mac = '02:02:0a:01:00:09'

function setup(t: TestContext) {
  const client = new FakeNodeClient()
  const attachments = new Attachments()
  const { log } = recordingLog()
  const outbox = new Outbox(join(scratch(t), 'outbox.json'), { client, clock: new FakeClock(), log, random })
  const host = new FakeHost({ hasKernelOpenVswitch: false })
  const containers = new FakeContainers(host)
  containers.add(netns)
  const held: { state: ClusterState; inSync: boolean } = { state: small(), inSync: true }
  const state = () => held.state
  const published = new PublishedPorts(
    { node: 'node1' },
    { client, state, whyTaken: async () => undefined, whenInForce: async () => {}, log },
  )
  const released: string[] = []
  const driver = new CniDriver(
    { node: 'node1' },
    {
      client,
      attachments,
      outbox,
      published,
      interfaces: new CniInterfaces({ host, containers, nameservers: () => [] }),
      state,
      inSync: () => held.inSync,
      lookAgain: () => {},
      release: (id) => void released.push(id),
      log,
    },
  )
  const veth = { kind: 'create-veth', name: 'vp1', peer: 'np1', mac, mtu: 1450, alias: 'a', txChecksum: false } as const
  host.apply([veth])
  /** What the agent does once netmaster has the endpoint. */
  const forward = () => attachments.passed(new Map([[id, 'np1']]), new Map(), 2)
  const exist = (record: EndpointRecord) => {
    held.state = { ...held.state, endpoints: new Map(held.state.endpoints).set(record.endpointId, record) }
  }
  const call = async (command: string, config: object = {}, environment: Record<string, string> = {}) => {
    const { status, document } = await answerRequest(
      {
        environment: {
          CNI_COMMAND: command,
          CNI_CONTAINERID: 'c1',
          CNI_NETNS: netns,
          CNI_IFNAME: 'eth0',
          CNI_ARGS: `IP=${ipv4}`,
          ...environment,
        },
        input: JSON.stringify({ cniVersion: '1.1.0', name: 'conf', type: 'netplugin-cni', network: 'net', ...config }),
      },
      driver,
      AbortSignal.timeout(5_000),
    )
    return { status, ...(document as { code?: number; msg?: string; ips?: unknown[]; interfaces?: unknown[] }) }
  }
  const added = async (config: object = {}, environment: Record<string, string> = {}) => {
    const answer = call('ADD', config, environment)
    await until('asked netmaster', () => client.ops().includes('createEndpoint'))
    await new Promise((resolve) => setImmediate(resolve))
    forward()
    return answer
  }
  return { client, host, containers, released, attachments, outbox, held, driver, call, added, forward, exist }
}

const record = (labels: Record<string, string> = {}): EndpointRecord =>
  endpointRecord({
    id,
    network: 'default:net',
    node: 'node1',
    ipv4,
    labels: { 'io.netplugin.cni.config': 'conf', 'io.netplugin.cni.netns': netns, ...labels },
  })

test('ADD writes the endpoint, waits for its flows, and puts the interface into the container', async (t) => {
  const { client, containers, added } = setup(t)
  const answer = await added({}, { CNI_ARGS: `IgnoreUnknown=1;K8S_POD_NAME=web;IP=${ipv4};MAC=${mac.toUpperCase()}` })
  assert.deepEqual(client.calls[0]?.body, {
    TenantName: 'default',
    NetworkName: 'net',
    ServiceName: '',
    EndpointID: id,
    ConfigEP: { IPAddress: ipv4, IPv6Address: '' },
    MacAddress: mac,
    ContainerID: 'c1',
    ContainerName: 'web',
    Labels: { 'io.netplugin.cni.config': 'conf', 'io.netplugin.cni.netns': netns },
  })
  assert.deepEqual(answer, {
    status: 0,
    cniVersion: '1.1.0',
    interfaces: [
      { name: 'vp1', mtu: 1450 },
      { name: 'eth0', mac, mtu: 1450, sandbox: netns },
    ],
    ips: [{ interface: 1, address: `${ipv4}/16`, gateway: '10.1.255.254' }],
    routes: [{ dst: '0.0.0.0/0', gw: '10.1.255.254' }],
    dns: {},
  })
  const { links, addresses, routes } = containers.look(netns)
  assert.deepEqual([links.get('eth0')?.up, addresses[0]?.cidr, routes[0]?.via], [true, `${ipv4}/16`, '10.1.255.254'])
})

test('ADD again answers the same and changes nothing; after a restart the new namespace is told', async (t) => {
  const { client, containers, added, call } = setup(t)
  const first = await added()
  assert.deepEqual(await call('ADD'), first)
  assert.deepEqual(client.ops(), ['createEndpoint', 'createEndpoint'])
  client.existing.set(id, record({ 'io.netplugin.cni.netns': '/run/netns/former' }))
  await call('ADD')
  assert.deepEqual(client.ops().slice(2), ['createEndpoint', 'updateEndpoint'])
  assert.equal(containers.look(netns).links.size, 1)
})

test('after a plugin that ran before, its results stay', async (t) => {
  const { added } = setup(t)
  const prevResult = {
    cniVersion: '1.1.0',
    interfaces: [{ name: 'lo', sandbox: netns }],
    ips: [{ address: '127.0.0.1/8', interface: 0 }],
    dns: { nameservers: ['10.1.0.53'] },
  }
  const { interfaces = [], ips = [], ...rest } = await added({ prevResult })
  assert.equal(interfaces.length, 3)
  assert.deepEqual(ips[1], { interface: 2, address: `${ipv4}/16`, gateway: '10.1.255.254' })
  assert.deepEqual('dns' in rest && rest.dns, { nameservers: ['10.1.0.53'] })
})

const places: readonly (readonly [string, object, string, readonly string[]])[] = [
  ['the configuration', { tenant: 'blue', network: 'net', group: 'web' }, '', ['blue', 'net', 'web']],
  ["the network's name, where there is no other", { network: undefined, name: 'isle' }, '', ['default', 'isle', '']],
  ['CNI_ARGS', {}, 'io.netplugin.network=isle;io.netplugin.tenant=blue', ['blue', 'isle', '']],
  ['CNI_ARGS by older names', {}, 'io.contiv.net-group=web;io.contiv.network=isle', ['default', 'isle', 'web']],
  [
    'labels of Mesos',
    {
      args: {
        'org.apache.mesos': {
          network_info: { name: 'conf', labels: { labels: [{ key: 'io.contiv.tenant', value: 'blue' }] } },
        },
      },
    },
    '',
    ['blue', 'net', ''],
  ],
  [
    'labels by convention',
    { args: { cni: { labels: [{ key: 'io.netplugin.group', value: 'web' }] } } },
    '',
    ['default', 'net', 'web'],
  ],
]
for (const [title, config, args, [tenant, network, group]] of places) {
  test(`tenant, network and group are taken from ${title}`, async (t) => {
    const { client, call } = setup(t)
    client.trouble = () => new NetpluginError('invalid', 'ENOUGH', 'enough is known')
    await call('ADD', config, { CNI_ARGS: args })
    const [asked] = client.calls
    assert.ok(asked)
    const { TenantName, NetworkName, ServiceName } = asked.body as Record<string, string>
    assert.deepEqual([TenantName, NetworkName, ServiceName], [tenant, network, group])
  })
}

const refusals: readonly (readonly [string, object, Record<string, string>, number, RegExp])[] = [
  ['a namespace that is gone', {}, { CNI_NETNS: '/run/netns/gone' }, 3, /no namespace/],
  ['addresses of another plugin', { ipam: { type: 'host-local' } }, {}, 2, /take "ipam" out/],
  ['no address', { runtimeConfig: { ips: ['ten'] } }, {}, 7, /no IP address/],
  ['no MAC address', { runtimeConfig: { mac: '02:0' } }, {}, 7, /no MAC address/],
]
for (const [title, config, environment, code, message] of refusals) {
  test(`ADD is refused before netmaster is asked: ${title} (${code})`, async (t) => {
    const { client, call } = setup(t)
    const { status, code: given, msg } = await call('ADD', config, environment)
    assert.deepEqual([status, given], [1, code])
    assert.match(msg ?? '', message)
    assert.deepEqual(client.ops(), [])
  })
}

const troubles: readonly (readonly [NetpluginError, number, readonly string[]])[] = [
  [new NetpluginError('not-found', 'NETWORK_NOT_FOUND', 'no network'), 7, ['createEndpoint', 'deleteEndpoint']],
  [new NetpluginError('exhausted', 'POOL_EMPTY', 'no address left'), 100, ['createEndpoint', 'deleteEndpoint']],
  [new NetpluginError('conflict', 'ADDRESS_IN_USE', 'taken'), 11, ['createEndpoint', 'deleteEndpoint']],
]
for (const [trouble, code, ops] of troubles) {
  test(`what netmaster refuses is told, with the number of its kind: ${trouble.code} (${code})`, async (t) => {
    const { client, call } = setup(t)
    client.trouble = ({ op }) => (op === 'createEndpoint' ? trouble : undefined)
    assert.equal((await call('ADD')).code, code)
    assert.deepEqual(client.ops(), ops)
  })
}

test('without netmaster ADD says so (11), and DEL succeeds and is made up for', async (t) => {
  const { client, call, outbox } = setup(t)
  client.setAway(true)
  assert.equal((await call('ADD')).code, 11)
  assert.equal((await call('DEL')).status, 0)
  assert.deepEqual([...outbox.detached], [id])
})

test('while netmaster is to be told of DEL still, ADD of the same interface is refused (11), lest that take it', async (t) => {
  const { client, call, outbox } = setup(t)
  client.trouble = ({ op }) => (op === 'deleteEndpoint' ? unreachable() : undefined)
  await call('DEL')
  background(t, (signal) => outbox.run(signal))
  const { code, msg = '' } = await call('ADD')
  assert.deepEqual([code, /given back first: cannot reach netmaster/.test(msg)], [11, true], msg)
  assert.ok(!client.ops().includes('createEndpoint'))
})

test('an interface name that the container has (4): the endpoint is taken back', async (t) => {
  const { client, containers, added } = setup(t)
  containers.addLink(netns, { name: 'eth0', kind: 'veth' })
  const { code, msg } = await added()
  assert.equal(code, 4)
  assert.match(msg ?? '', /has an interface eth0 already/)
  assert.equal(client.ops().at(-1), 'deleteEndpoint')
})

test('a namespace that goes half-way (3): the endpoint is taken back', async (t) => {
  const { client, containers, call, forward } = setup(t)
  const answer = call('ADD')
  await until('asked netmaster', () => client.ops().includes('createEndpoint'))
  containers.end(netns)
  await new Promise((resolve) => setImmediate(resolve))
  forward()
  assert.equal((await answer).code, 3)
  assert.equal(client.ops().at(-1), 'deleteEndpoint')
})

test('a container that is in another network keeps its interface there', async (t) => {
  const { client, call } = setup(t)
  client.existing.set(id, { ...record(), networkName: 'isle' })
  const { code, msg } = await call('ADD')
  assert.equal(code, 11)
  assert.match(msg ?? '', /has eth0 in network isle of tenant default already; delete it there first/)
  assert.deepEqual(client.ops(), ['createEndpoint'])
})

test('ports are published, and refused where nothing leads in', async (t) => {
  const { client, added } = setup(t)
  const portMappings = [
    { hostPort: 8080, containerPort: 80, protocol: 'tcp' },
    { hostPort: 0, containerPort: 81 },
  ]
  assert.equal((await added({ runtimeConfig: { portMappings } })).status, 0)
  const [, told] = client.calls
  assert.deepEqual(told?.body, {
    EndpointID: id,
    Published: [{ protocol: 'tcp', hostAddress: '', port: 80, hostPort: 8080 }],
  })
})

test('limits of the runtime are labels that only this host writes', async (t) => {
  const { client, added } = setup(t)
  const bandwidth = { ingressRate: 8_000_000, ingressBurst: 1_000_000, egressRate: 2_000_500 }
  const labels = [{ key: 'io.netplugin.cni.bandwidth', value: '1/1 1/1' }]
  await added({ runtimeConfig: { bandwidth }, args: { cni: { labels } } })
  const [asked] = client.calls
  assert.ok(asked)
  const { Labels } = asked.body as { Labels: Record<string, string> }
  assert.equal(Labels['io.netplugin.cni.bandwidth'], '2001/0 8000/1000')
})

test('DEL succeeds without ADD, without a namespace, and twice', async (t) => {
  const { client, call } = setup(t)
  assert.equal((await call('DEL', {}, { CNI_NETNS: '' })).status, 0)
  assert.equal((await call('DEL', {}, { CNI_NETNS: '/run/netns/gone' })).status, 0)
  assert.deepEqual(client.calls[0]?.body, { EndpointID: id, ReleaseAddresses: true })
})

test('DEL takes the interface out; its link is given back', async (t) => {
  const { added, call, containers, released } = setup(t)
  await added()
  assert.equal((await call('DEL')).status, 0)
  assert.equal(containers.look(netns).links.size, 0)
  await until('given back', () => released.length === 1)
})

test('CHECK compares: all as it was added, and each thing that is not', async (t) => {
  const { containers, added, call, exist, held } = setup(t)
  const { status: _, ...prevResult } = await added()
  const check = async (result: object = prevResult) => {
    const { code, msg = '' } = await call('CHECK', { prevResult: result })
    return [code, msg] as const
  }
  assert.match((await check())[1], /no interface eth0 in a network of ours/)
  exist(record())
  assert.deepEqual(await check(), [undefined, ''])
  const other = { ...prevResult, ips: [{ address: '10.1.0.10/16', interface: 1 }] }
  assert.match((await check(other))[1], /10.1.0.10\/16 of prevResult is not the address/)
  const end = containers.look(netns).links.get('eth0')
  assert.ok(end)
  containers.apply(netns, [
    { kind: 'delete-address', name: 'eth0', index: end.index, address: `${ipv4}/16` },
    { kind: 'delete-route', index: end.index, destination: '0.0.0.0/0', via: '10.1.255.254', metric: 0 },
  ])
  const [code, message] = await check()
  assert.equal(code, 102)
  assert.match(message, /eth0 has no address 10.1.0.9\/16; there is no route to 0.0.0.0\/0; delete and add it anew/)
  containers.end(netns)
  containers.add(netns)
  assert.match((await check())[1], /eth0 is not in the container/)
  held.state = small()
})

test('an interface that went with its link is put back', async (t) => {
  const { added, containers, driver } = setup(t)
  await added()
  assert.equal(await driver.restore(id, record()), false)
  containers.end(netns)
  containers.add(netns)
  assert.equal(await driver.restore(id, record()), true)
  assert.equal(containers.look(netns).addresses[0]?.cidr, `${ipv4}/16`)
})

test('GC removes what is of this configuration and host, and not valid', async (t) => {
  const { client, call, exist } = setup(t)
  exist(record())
  exist({ ...record(), endpointId: 'cni:c2:eth0' })
  exist({ ...record({ 'io.netplugin.cni.config': 'other' }), endpointId: 'cni:c3:eth0' })
  exist({ ...record(), endpointId: 'cni:c4:eth0', node: 'node2' })
  exist({ ...record(), endpointId: 'docker' })
  assert.equal((await call('GC')).code, 7)
  assert.deepEqual(client.ops(), [])
  const valid = { 'cni.dev/valid-attachments': [{ containerID: 'c2', ifname: 'eth0' }] }
  assert.equal((await call('GC', valid)).status, 0)
  assert.deepEqual(
    client.calls.map(({ body }) => (body as { EndpointID: string }).EndpointID),
    [id],
  )
})

test('STATUS: netmaster not heard of, an unknown network (50), a switch that fails (51)', async (t) => {
  const { call, held, attachments } = setup(t)
  assert.equal((await call('STATUS')).status, 0)
  assert.equal((await call('STATUS', { network: 'none' })).code, 50)
  attachments.lastError = 'no switch'
  assert.equal((await call('STATUS')).code, 51)
  held.inSync = false
  assert.equal((await call('STATUS')).code, 50)
})
