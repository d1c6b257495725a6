// Hosts in infra networks, with real packets: an interface and an address on each host, containers that reach it and are
// reached, through restarts, with names and addresses that are taken, and nothing left when the network goes.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { NodeView } from '../../src/model/node.ts'
import { bigBytes, type Container, startContainers } from '../support/containers.ts'
import { ask, endpoints, settledInventory, takeInventory, untilAsBefore } from '../support/inventory.ts'
import { labSkip, type TestLab, withLab } from '../support/lab.ts'
import { startPings } from '../support/ping-stream.ts'
import { echoesHeard } from '../support/reachability.ts'
import { stepsOf } from '../support/steps.ts'

const hosts = ['node1', 'node2'] as const

/** The IPv4 address of a host's interface in the network, once the host has it. */
function addressOf(lab: TestLab, host: string, network: string): Promise<string> {
  return lab.until(`${host} to have an address in ${network}`, async () => {
    const { stdout } = await lab.exec(host, `ip -o -4 addr show ${network}`)
    return / inet ([\d.]+)\//.exec(stdout)?.[1]
  })
}

async function routesOf(lab: TestLab, host: string): Promise<readonly string[]> {
  const routes = await lab.execOk(host, 'ip route show proto 78')
  return routes.split('\n').filter((line) => line !== '')
}

const problemsOf = async (lab: TestLab, host: string) =>
  (await ask<readonly NodeView[]>(lab, '/internal/v1/nodes')).find(({ name }) => name === `netplugin-${host}`)
    ?.problems ?? []

const pings = (address: string) => `ping -c 2 -i 0.2 -W 5 ${address}`

/** Each host and each of the containers reach one another, both ways, by ICMP and TCP. */
async function allReach(lab: TestLab, network: string, containers: readonly Container[]): Promise<void> {
  for (const host of hosts) {
    const address = await addressOf(lab, host, network)
    for (const container of containers) {
      await lab.execOk(host, pings(container.ipv4))
      await container.sh(pings(address))
      const page = await lab.execOk(host, `curl -sSf --max-time 10 http://${container.ipv4}/`)
      assert.equal(page.trim(), container.name)
      const big = await lab.execOk(host, `curl -sSf --max-time 20 http://${container.ipv4}/big | wc -c`)
      assert.equal(Number(big), bigBytes)
    }
  }
}

test('hosts in a routed infra network', { skip: labSkip, timeout: 200_000 }, (t) =>
  withLab({ name: 'lcinfra' }, (lab) => routed(t, lab)),
)

async function routed(t: TestContext, lab: TestLab): Promise<void> {
  const step = stepsOf(t)
  const netctl = (line: string) => lab.execOk('node1', `netctl ${line}`)
  await netctl('net create data -s 20.1.1.0/24 -g 20.1.1.254 -s6 fd00:d::/64 -g6 fd00:d::fe')
  await netctl('tenant create blue')
  await netctl('net create -t blue data -s 20.1.1.0/24 -g 20.1.1.254')
  const [web, db, other] = await startContainers(lab, [
    { name: 'web', host: 'node1', network: 'data' },
    { name: 'db', host: 'node2', network: 'data' },
    { name: 'other', host: 'node1', network: 'data/blue' },
  ])
  assert.ok(web && db && other)
  const without = await settledInventory(lab, hosts)
  await netctl('net create contivh1 -n infra -s 132.1.1.0/24 -g 132.1.1.254 -s6 fd00:c::/64 -g6 fd00:c::fe')

  await step('hosts and containers reach each other, by name too, and other tenants do not', async () => {
    await allReach(lab, 'contivh1', [web, db])
    for (const host of hosts) await web.sh(`ping -c 1 -W 5 netplugin-${host}.contivh1`)
    assert.equal(await other.succeeds(`ping -c 1 -W 1 ${await addressOf(lab, 'node1', 'contivh1')}`), false)
    assert.match(await lab.execOk('node1', 'ip link show contivh1'), / mtu 1550 .* state (UP|UNKNOWN) /)
  })

  await step('with IPv6 too', async () => {
    for (const host of hosts) {
      const shown = await lab.execOk(host, 'ip -o -6 addr show contivh1 scope global')
      const address = / inet6 ([0-9a-f:]+)\/64 /.exec(shown)?.[1] ?? ''
      await lab.execOk(host, `ping -6 -c 2 -i 0.2 -W 5 ${db.ipv6}`)
      await db.sh(`ping -6 -c 1 -W 5 ${address}`)
    }
  })

  await step('a tenant that denies by default denies its hosts', async () => {
    const reached = async () => (await lab.exec('node1', `ping -c 1 -W 1 ${db.ipv4}`)).code === 0
    await netctl('tenant set --default=deny default')
    assert.equal(await reached(), false)
    await netctl('tenant set --default=allow default')
    assert.equal(await reached(), true)
  })

  await step('routes follow the networks of the tenant', async () => {
    const data = '20.1.1.0/24 via 132.1.1.254 dev contivh1 '
    assert.deepEqual(await routesOf(lab, 'node2'), [data])
    await netctl('net create more -s 17.5.4.0/22 -g 17.5.4.1')
    for (const host of hosts) {
      await lab.until('the route', async () => (await routesOf(lab, host)).length === 2 || undefined)
      assert.ok((await routesOf(lab, host)).includes('17.5.4.0/22 via 132.1.1.254 dev contivh1 '))
    }
    await netctl('net rm more')
    for (const host of hosts) {
      await lab.until('the route to go', async () => (await routesOf(lab, host)).length === 1 || undefined)
    }
  })

  await step('a host that lies about its address is not heard', async () => {
    const heard = async () => (await echoesHeard([db])).get('db') ?? 0
    const before = await heard()
    await lab.execOk('node1', 'ip addr add 20.1.1.77/32 dev lo')
    const { code } = await lab.exec('node1', `ping -c 3 -i 0.2 -W 1 -I 20.1.1.77 ${db.ipv4}`)
    await lab.execOk('node1', 'ip addr del 20.1.1.77/32 dev lo')
    assert.notEqual(code, 0)
    // This one comes after them, once the host has given up to ask for the gateway in that name.
    await lab.until('node1 to reach db in its own name', async () => {
      return (await lab.exec('node1', `ping -c 1 -W 1 ${db.ipv4}`)).code === 0 || undefined
    })
    assert.equal((await heard()) - before, 1)
  })

  const held = await settledInventory(lab, hosts)
  await step('netplugin killed and started: no ping is lost, and all is as it was', async () => {
    const stream = await startPings(lab, 'node1', 'web', await addressOf(lab, 'node2', 'contivh1'))
    for (const host of hosts) {
      await lab.kill(host, 'netplugin')
      await stream.untilAnswered()
      await lab.start(host, 'netplugin')
      await stream.untilAnswered()
    }
    await untilAsBefore(lab, held)
    const { lost, received } = await stream.stop()
    assert.deepEqual(lost, [], `of ${received}`)
  })

  await step('Open vSwitch killed and started: interface, address and route come back', async () => {
    for (const programs of [['ovs-vswitchd'], ['ovs-vswitchd', 'ovsdb-server']] as const) {
      for (const program of programs) await lab.kill('node1', program)
      for (const program of [...programs].reverse()) await lab.start('node1', program)
      await lab.until('node1 to reach db', async () => {
        return (await lab.exec('node1', `ping -c 1 -W 1 ${db.ipv4}`)).code === 0 || undefined
      })
      await untilAsBefore(lab, held)
    }
    await allReach(lab, 'contivh1', [web, db])
  })

  await step('an address, a route and a port that other hands removed are made again', async () => {
    for (const hand of [
      'ip addr flush dev contivh1',
      'ip route del 20.1.1.0/24',
      'ip link set contivh1 down',
      'ovs-vsctl del-port contivh1',
    ]) {
      await lab.execOk('node1', hand)
      await lab.until(`node1 to reach db after ${hand}`, async () => {
        return (await lab.exec('node1', `ping -c 1 -W 1 ${db.ipv4}`)).code === 0 || undefined
      })
    }
    await untilAsBefore(lab, held)
  })

  await step('names that cannot be those of interfaces are refused', async () => {
    for (const [line, why] of [
      ['a-name-of-sixteen', /more than 15 characters/],
      ['np-int', /kept for the switch/],
      ['-t blue contivh1', /are called contivh1 already/],
    ] as const) {
      const { code, stderr } = await lab.exec('node1', `netctl net create ${line} -n infra -s 132.1.2.0/24`)
      assert.equal(code, 3, stderr)
      assert.match(stderr, why)
    }
  })

  await step('a name or a subnet that a host has already: said in node ls, mended when it is free', async () => {
    await lab.execOk('node1', 'ip link add store type veth peer name store-peer')
    await netctl('net create store -n infra -s 132.1.2.0/24')
    await netctl('net create lan -n infra -s 10.77.0.0/24')
    await addressOf(lab, 'node2', 'store')
    await lab.until('the problems to be told', async () => (await problemsOf(lab, 'node1')).length === 2 || undefined)
    const [lan = '', store = ''] = await problemsOf(lab, 'node1')
    assert.match(lan, /^interface lan: subnet 10\.77\.0\.0\/24 overlaps 10\.77\.0\.1\/24 of interface eth0/)
    assert.match(store, /^interface store: this host has another interface called store/)
    assert.match(await netctl('node ls -o wide'), /has another interface called store/)
    assert.equal((await lab.exec('node2', 'ip link show lan')).code, 1)
    await lab.execOk('node1', 'ip link del store')
    await addressOf(lab, 'node1', 'store')
    await netctl('net rm lan')
    await netctl('net rm store')
    await lab.until('no problems', async () => (await problemsOf(lab, 'node1')).length === 0 || undefined)
    await untilAsBefore(lab, held)
  })

  await step('a host whose endpoint was removed claims one again', async () => {
    await netctl('endpoint rm --yes contivh1.default@netplugin-node2')
    await lab.until('its endpoint', async () => {
      return (await endpoints(lab)).some(({ containerName }) => containerName === 'netplugin-node2') || undefined
    })
    await allReach(lab, 'contivh1', [web])
  })

  await step('the network goes while hosts are in it, and leaves nothing', async () => {
    await netctl('net rm contivh1')
    await untilAsBefore(lab, without)
    for (const host of hosts) assert.deepEqual(await routesOf(lab, host), [])
    await web.sh(pings(db.ipv4))
  })
}

for (const { name, options, create } of [
  { name: 'a VLAN', options: { netMode: 'vlan' }, create: '--pkt-tag 100' },
  { name: 'a bridged VXLAN', options: { fwdMode: 'bridge' }, create: '-g 10.9.0.254' },
] as const) {
  test(`hosts in an infra network that is ${name}`, { skip: labSkip, timeout: 120_000 }, () =>
    withLab({ name: 'lcinfrab', ...options }, async (lab) => {
      const empty = await takeInventory(lab, hosts)
      await lab.execOk('node1', `netctl net create shared -n infra -s 10.9.0.0/24 ${create}`)
      for (const host of hosts) await addressOf(lab, host, 'shared')
      // Docker has no such networks, unless somebody makes one.
      const named =
        '-d netplugin --ipam-driver netplugin --subnet 10.9.0.0/24 -o network=shared --ipam-opt network=shared'
      for (const host of hosts) await lab.execOk(host, `docker network create ${named} by-hand`)
      const containers = await startContainers(lab, [
        { name: 'web', host: 'node1', network: 'by-hand' },
        { name: 'db', host: 'node2', network: 'by-hand' },
      ])
      await allReach(lab, 'shared', containers)
      await lab.execOk('node1', pings(await addressOf(lab, 'node2', 'shared')))
      await lab.kill('node1', 'netplugin')
      await lab.execOk('node1', pings(containers[1]?.ipv4 ?? ''))
      await lab.start('node1', 'netplugin')
      await allReach(lab, 'shared', containers)
      for (const { host, name: container } of containers) {
        await lab.execOk(host, `docker rm -f ${container} && docker network rm by-hand`)
      }
      await lab.until('the network to be free', async () => {
        return (await lab.exec('node1', 'netctl net rm shared')).code === 0 || undefined
      })
      await lab.until('nothing to be left', async () => {
        const now = await takeInventory(lab, hosts)
        return hosts.every((host) => !now.hosts[host]?.ports.includes('shared')) || undefined
      })
      assert.deepEqual((await takeInventory(lab, hosts)).networks, empty.networks)
    }),
  )
}
