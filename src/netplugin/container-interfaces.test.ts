import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { userspaceSettings as settings } from '../../test/support/node-settings.ts'
import { NodeCompiler } from '../core/compile/compile-node.ts'
import { desiredVeths } from '../core/compile/node-ports.ts'
import { planHost } from '../core/plan/host.ts'
import { FakeHost } from '../drivers/host/fake.ts'
import { FakeContainers } from '../drivers/host/fake-containers.ts'
import { FakeClock } from '../lib/fake-clock.ts'
import type { EndpointRecord } from '../model/state.ts'
import { ContainerInterfaces } from './container-interfaces.ts'
import { recordingLog } from './testing.ts'
import { intended, withIntended } from './testing-intents.ts'

const namespace = '/proc/1/ns/net'
const web = intended({ node: 'node1', containerId: 'c1' })
const isle = intended({
  endpointId: 'isle.default-web',
  networkName: 'isle',
  node: 'node1',
  containerId: 'c1',
  ipv4: '10.2.0.7',
  mac: '02:02:0a:02:00:07',
})

function setup() {
  const host = new FakeHost({ hasKernelOpenVswitch: false })
  const containers = new FakeContainers(host)
  const clock = new FakeClock()
  const { log, lines } = recordingLog()
  const compiler = new NodeCompiler('node1')
  const world = { looks: 0, nameservers: ['192.0.2.53'] }
  const interfaces = new ContainerInterfaces({
    host,
    containers,
    clock,
    log,
    nameservers: () => world.nameservers,
    lookAgain: () => void world.looks++,
  })
  /** A pass of the agent, and what follows it; with all endpoints of the state in force, in this namespace. */
  const pass = (
    records: readonly EndpointRecord[],
    places = new Map(records.map((r) => [r.endpointId, namespace])),
  ) => {
    const network = compiler.compile(withIntended(...records))
    host.apply(planHost({ veths: desiredVeths(network, settings), hostPorts: [] }, host.facts(), { remove: true }))
    interfaces.passed(network, new Map([...network.local.values()].map(({ portName }, at) => [portName, at])), places)
  }
  const addresses = () => {
    const { links, addresses: held } = containers.look(namespace)
    return [...links.values()].map(({ name, index }) => {
      return [name, ...held.filter((address) => address.index === index).map(({ cidr }) => cidr)].join(' ')
    })
  }
  const routes = () => {
    const { links, routes: all } = containers.look(namespace)
    const nameOf = (index: number) => [...links.values()].find((link) => link.index === index)?.name
    return all.map(({ destination, via = '', deviceIndex }) => `${destination} ${via} ${nameOf(deviceIndex)}`).sort()
  }
  return { host, containers, clock, lines, world, pass, addresses, routes }
}

test('an endpoint in force gets its interface in the container, with addresses and default route', () => {
  const { containers, pass, addresses, routes, lines } = setup()
  containers.add(namespace)
  pass([web])
  assert.deepEqual(addresses(), ['eth0 10.1.0.7/16'])
  assert.deepEqual(routes(), ['0.0.0.0/0 10.1.255.254 eth0'])
  const link = containers.look(namespace).links.get('eth0')
  assert.deepEqual([link?.mac, link?.mtu, link?.up], [web.mac, 1550, true])
  assert.deepEqual(
    lines.map(({ phrase }) => phrase),
    ['interface attached'],
  )
})

test('an endpoint without a port, or without a container that is known, waits', () => {
  const { containers, host, pass, addresses } = setup()
  containers.add(namespace)
  pass([web], new Map())
  assert.deepEqual(addresses(), [])
  assert.equal(host.facts().links.size, 2, 'its pair is ready')
})

test('what is right is looked at again after a while, and put right', () => {
  const { containers, clock, pass, addresses } = setup()
  containers.add(namespace)
  pass([web])
  const { index } = containers.look(namespace).links.get('eth0')!
  containers.apply(namespace, [{ kind: 'delete-address', name: 'eth0', index, address: '10.1.0.7/16' }])
  const before = containers.calls
  pass([web])
  assert.equal(containers.calls, before, 'not with each pass')
  clock.advance(5_000)
  pass([web])
  assert.deepEqual(addresses(), ['eth0 10.1.0.7/16'])
})

test('two endpoints are two interfaces; the first has the default route, and leaves it to the other when it goes', () => {
  const { containers, pass, addresses, routes } = setup()
  containers.add(namespace)
  const second = { ...web, endpointId: 'net.default-web2', ipv4: '10.1.0.8', mac: '02:02:0a:01:00:08' }
  pass([web, second])
  assert.deepEqual(addresses(), ['eth0 10.1.0.7/16', 'eth1 10.1.0.8/16'])
  assert.deepEqual(routes(), ['0.0.0.0/0 10.1.255.254 eth0'])
  pass([second])
  assert.deepEqual(addresses(), ['eth1 10.1.0.8/16'])
  assert.deepEqual(routes(), ['0.0.0.0/0 10.1.255.254 eth1'])
})

test('in a network without a gateway only the DNS servers are routed', () => {
  const { containers, pass, routes } = setup()
  containers.add(namespace)
  pass([isle])
  assert.deepEqual(routes(), ['192.0.2.53/32  eth0'])
})

test('with an IPv6 address it has the IPv6 default route too', () => {
  const { containers, pass, addresses, routes } = setup()
  containers.add(namespace)
  pass([{ ...web, ipv6: 'fd00::7' }])
  assert.deepEqual(addresses(), ['eth0 10.1.0.7/16 fd00::7/64'])
  assert.deepEqual(routes(), ['0.0.0.0/0 10.1.255.254 eth0', '::/0 fd00::1 eth0'])
})

test('a default route of the container itself is left alone', () => {
  const { containers, pass, routes } = setup()
  containers.add(namespace)
  const { index } = containers.addLink(namespace, { name: 'eth0' })
  containers.addRoute(namespace, { destination: '0.0.0.0/0', via: '172.17.0.1', deviceIndex: index })
  pass([web])
  assert.deepEqual(routes(), ['0.0.0.0/0 172.17.0.1 eth0'])
})

test('a container that comes back in another namespace gets the interface there', () => {
  const { containers, host, pass, world, addresses } = setup()
  containers.add('/proc/0/ns/net')
  containers.add(namespace)
  pass([web], new Map([[web.endpointId, '/proc/0/ns/net']]))
  // The old namespace is still ending.
  pass([web])
  assert.deepEqual(addresses(), [])
  assert.equal(world.looks, 1)
  pass([web])
  assert.deepEqual(addresses(), ['eth0 10.1.0.7/16'])
  assert.equal(host.facts().links.size, 1)
})

test('a container that ended meanwhile is no reason to complain; another failure is said once', () => {
  const { containers, pass, lines } = setup()
  pass([web])
  assert.deepEqual(lines, [])
  containers.add(namespace)
  containers.apply = (_, steps) =>
    steps.map((step) => ({ step, error: Object.assign(new Error(), { kind: 'forbidden' }) as never }))
  pass([web])
  pass([web])
  assert.equal(lines.filter(({ level }) => level === 'warn').length, 1)
})

test('many that start together are moved a few in each pass', () => {
  const { containers, pass, world, addresses } = setup()
  containers.add(namespace)
  const many = Array.from({ length: 10 }, (_, at) => ({
    ...web,
    endpointId: `net.default-${at}`,
    ipv4: `10.1.0.${at + 10}`,
    mac: `02:02:0a:01:00:${at + 10}`,
  }))
  pass(many)
  assert.deepEqual([addresses().length, world.looks], [8, 1])
  pass(many)
  assert.equal(addresses().length, 10)
})

const names = ['a', 'b']
const happening = fc.oneof(
  { weight: 2, arbitrary: fc.record({ what: fc.constant('start' as const), name: fc.constantFrom(...names) }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('end' as const), name: fc.constantFrom(...names) }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('damage' as const), name: fc.constantFrom(...names) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      what: fc.constant('give' as const),
      endpoint: fc.nat({ max: 3 }),
      name: fc.constantFrom('', ...names),
    }),
  },
  { weight: 4, arbitrary: fc.record({ what: fc.constant('pass' as const) }) },
)

test('whatever happened before, in the end each container has the interfaces of its endpoints and no others', () => {
  fc.assert(
    fc.property(fc.array(happening, { maxLength: 30 }), (happenings) => {
      const { containers, clock, pass } = setup()
      const holders = new Map<number, string>()
      const namespaces = new Map<string, string>()
      let count = 0
      const end = (name: string) => {
        const path = namespaces.get(name)
        if (path !== undefined) containers.end(path)
        namespaces.delete(name)
      }
      const address = (endpoint: number) => `10.1.0.${endpoint + 1}`
      const run = () => {
        const records = [...holders].map(([endpoint]) =>
          intended({
            endpointId: `e${endpoint}`,
            node: 'node1',
            containerId: 'c',
            ipv4: address(endpoint),
            mac: `02:02:0a:01:00:0${endpoint}`,
          }),
        )
        const places = new Map<string, string>()
        for (const [endpoint, name] of holders) {
          const path = namespaces.get(name)
          if (path !== undefined) places.set(`e${endpoint}`, path)
        }
        pass(records, places)
      }
      for (const happened of happenings) {
        if (happened.what === 'pass') run()
        else if (happened.what === 'give') {
          if (happened.name === '') holders.delete(happened.endpoint)
          else holders.set(happened.endpoint, happened.name)
        } else {
          const { what, name } = happened
          const path = namespaces.get(name)
          if (what === 'damage' && path !== undefined) {
            for (const { name: link, index } of containers.look(path).links.values()) {
              containers.apply(path, [{ kind: 'set-link', name: link, index, mac: '02:00:00:00:00:01' }])
            }
          }
          if (what !== 'damage') end(name)
          if (what === 'start') {
            namespaces.set(name, `/proc/${++count}/ns/net`)
            containers.add(`/proc/${count}/ns/net`)
          }
        }
      }
      // As netmaster is told in the end.
      for (const [endpoint, name] of holders) if (!namespaces.has(name)) holders.delete(endpoint)
      for (let at = 0; at < 4; at++) {
        run()
        clock.advance(5_000)
      }
      for (const [name, path] of namespaces) {
        const wanted = [...holders]
          .filter(([, holder]) => holder === name)
          .map(([endpoint]) => `${address(endpoint)}/16`)
        const { links, addresses: held, routes } = containers.look(path)
        assert.deepEqual(held.map(({ cidr }) => cidr).sort(), wanted.sort())
        assert.equal(links.size, wanted.length)
        assert.equal(routes.length, wanted.length === 0 ? 0 : 1, 'one default route')
      }
    }),
    { numRuns: 300 },
  )
})
