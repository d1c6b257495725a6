// Containers that intents name, through what happens to them: on which network and on which host they start, before or after
// the intent, that they stop and come back, that the intent changes under them, and that our programs and Docker die.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import type { Container } from '../support/containers.ts'
import { inspectContainer } from '../support/containers.ts'
import { intended, interfacesOf, load, startNamed, untilAttached } from '../support/intents.ts'
import { settledInventory, untilAsBefore } from '../support/inventory.ts'
import { labSkip, type TestLab, withLab } from '../support/lab.ts'
import { startPings } from '../support/ping-stream.ts'
import { stepsOf } from '../support/steps.ts'

const hosts = ['node1', 'node2']

interface Wish {
  readonly container: string
  readonly host?: string
  readonly address?: string
}

/** One tenant with a VXLAN network `front`, and with a VLAN network `back` where that has endpoints. */
function intent(front: readonly Wish[], back: readonly Wish[] = []): object {
  const endpoints = (wishes: readonly Wish[]) =>
    wishes.map(({ container, host, address }) => ({
      Container: container,
      ...(host === undefined ? {} : { Host: `netplugin-${host}` }),
      ...(address === undefined ? {} : { IPAddress: address }),
    }))
  const network = (Name: string, PktTagType: string, SubnetCIDR: string, wishes: readonly Wish[]) => ({
    ...{ Name, PktTagType, SubnetCIDR, Gateway: SubnetCIDR.replace('0/24', '254') },
    Endpoints: endpoints(wishes),
  })
  return {
    Tenants: [
      {
        Name: 'default',
        Networks: [
          network('front', 'vxlan', '10.1.1.0/24', front),
          ...(back.length === 0 ? [] : [network('back', 'vlan', '10.2.1.0/24', back)]),
        ],
      },
    ],
  }
}

const nothing = { Tenants: [] }
const web = { container: 'web', host: 'node1' }
const db = { container: 'db', host: 'node2' }

const answers = (from: Container, address: string) => from.succeeds(`ping -c 3 -i 0.3 -W 2 ${address}`)

/** Waits until the container has exactly these interfaces. */
async function untilHas(lab: TestLab, container: Container, ...wanted: readonly string[]): Promise<void> {
  let found: readonly string[] = []
  const isSo = async () => {
    found = await interfacesOf(container)
    return found.join() === wanted.join() || undefined
  }
  await lab.until(`${container.name} to have ${wanted.join(', ')}`, isSo).catch((error: unknown) => {
    assert.deepEqual(found, wanted)
    throw error
  })
}

test('containers that intents name', { skip: labSkip, timeout: 240_000 }, (t) =>
  withLab({ name: 'intlife', netMode: 'both', fwdMode: 'bridge' }, (lab) => check(t, lab)),
)

async function check(t: TestContext, lab: TestLab): Promise<void> {
  const step = stepsOf(t)
  const empty = await settledInventory(lab, hosts)

  await step('before and after the intent: interface, address, route, names', async () => {
    const before = await startNamed(lab, 'node1', 'web')
    assert.deepEqual(await interfacesOf(before), [])
    await load(lab, '-cfg', intent([web, db]))
    const after = await startNamed(lab, 'node2', 'db')
    await untilAttached(lab, [before, after])
    await untilHas(lab, before, 'eth0 10.1.1.1/24')
    assert.match(await before.sh('ip route'), /^default via 10\.1\.1\.254 dev eth0/m)
    const [endpoint] = (await intended(lab)).filter(({ containerName }) => containerName === 'web')
    assert.match(await before.sh('ip -o link show eth0'), new RegExp(`mtu 1550 .*${endpoint?.macAddress}`))
    for (const [from, to] of [[before, '10.1.1.2'] as const, [after, '10.1.1.1'] as const]) {
      assert.ok(await answers(from, to), `${from.name} reaches ${to}`)
    }
    assert.ok(await answers(before, 'db'), 'by its name')
  })

  await step('an intent that changes under a running container: interfaces come, change and go', async () => {
    const container = await inspectContainer(lab, { name: 'web', host: 'node1', network: 'none' })
    await load(lab, '-add-cfg', intent([], [web, db]))
    await untilHas(lab, container, 'eth0 10.1.1.1/24', 'eth1 10.2.1.1/24')
    const other = await inspectContainer(lab, { name: 'db', host: 'node2', network: 'none' })
    await untilAttached(lab, [container, other])
    assert.ok(await answers(container, '10.2.1.2'), 'on the VLAN')
    await load(lab, '-cfg', intent([{ ...web, address: '10.1.1.77' }, db], [web, db]))
    await lab.until(
      'the new address',
      async () => (await interfacesOf(container)).includes('eth0 10.1.1.77/24') || undefined,
    )
    assert.ok(await answers(other, '10.1.1.77'))
    assert.equal(await other.succeeds('ping -c 1 -W 1 10.1.1.1'), false, 'the old address is gone')
    await load(lab, '-cfg', intent([db], [web, db]))
    await untilHas(lab, container, 'eth1 10.2.1.1/24')
    // The interface with the default route went: the other one has it now.
    await lab.until(
      'a default route',
      async () => /^default .* eth1/m.test(await container.sh('ip route')) || undefined,
    )
    await load(lab, '-cfg', intent([web, db]))
    await untilHas(lab, container, 'eth0 10.1.1.1/24')
  })

  await step('a container that is stopped, restarted or made anew has the same address', async () => {
    for (const command of [
      'docker restart web',
      'docker stop web && docker start web',
      'docker kill web && docker start web',
      'docker rm -f web && docker run -d --name web --stop-signal KILL --net none netlab/tools sleep 1d',
    ]) {
      await lab.execOk('node1', command)
      const container = await inspectContainer(lab, { name: 'web', host: 'node1', network: 'none' })
      await untilAttached(lab, [container])
      await untilHas(lab, container, 'eth0 10.1.1.1/24')
      assert.ok(await answers(container, '10.1.1.2'), command)
    }
    await lab.execOk('node1', 'docker rename web other')
    const renamed = await inspectContainer(lab, { name: 'other', host: 'node1', network: 'none' })
    await untilHas(lab, renamed)
    await lab.execOk('node1', 'docker rename other web')
    await untilHas(lab, await inspectContainer(lab, { ...renamed, name: 'web' }), 'eth0 10.1.1.1/24')
  })

  await step('on the Docker network of the same network: the address of the intent, not one of Docker', async () => {
    await lab.execOk('node1', 'docker rm -f web')
    await lab.execOk('node1', 'docker run -d --name web --stop-signal KILL --net front netlab/tools sleep 1d')
    const sh = (line: string) => lab.exec('node1', ['docker', 'exec', 'web', 'sh', '-c', line])
    await lab.until('the intended address', async () => {
      const { stdout } = await sh('ip -o -4 addr show up scope global')
      return (/^\d+: eth0 +inet 10\.1\.1\.1\/24/.test(stdout) && stdout.trim().split('\n').length === 1) || undefined
    })
    assert.equal((await sh('ping -c 3 -i 0.3 -W 2 10.1.1.2')).code, 0)
    await lab.execOk('node1', 'docker restart web')
    await lab.until(
      'the same again',
      async () => /inet 10\.1\.1\.1\/24/.test((await sh('ip -o -4 addr')).stdout) || undefined,
    )
    await lab.until(
      'Docker to have no endpoint',
      async () => (await allocated(lab)) === '10.1.1.1-10.1.1.2, 10.1.1.254' || undefined,
    )
    await lab.execOk('node1', 'docker rm -f web')
  })

  await step('an endpoint without a host goes where its container starts, and waits when it stopped', async () => {
    await load(lab, '-cfg', intent([{ container: 'late' }, db]))
    const first = await startNamed(lab, 'node2', 'late')
    await untilAttached(lab, [first])
    const second = await startNamed(lab, 'node1', 'late')
    await lab.execOk('node2', 'docker exec late ping -c 2 -W 2 10.1.1.2')
    await untilHas(lab, second)
    await lab.execOk('node2', 'docker rm -f late')
    // Refused while the other one had it: tried again as soon as that is gone.
    await untilHas(lab, second, 'eth0 10.1.1.1/24')
    assert.ok(await answers(second, '10.1.1.2'))
    await load(lab, '-host-bindings-cfg', { HostBindings: [{ Container: 'late', Host: 'netplugin-node2' }] })
    await untilHas(lab, second)
    await lab.execOk('node1', 'docker rm -f late')
  })

  await step("the host's own network is left alone", async () => {
    await load(lab, '-cfg', intent([web, db]))
    const links = () => lab.execOk('node1', 'ip -o link show type veth; ip -o -4 addr; ip route')
    await lab.execOk('node1', 'docker run -d --name web --stop-signal KILL --net host netlab/tools sleep 1d')
    const log = `${lab.directory('node1')}/log/netplugin.log`
    await lab.until('netplugin to say so', () => readFileSync(log, 'utf8').includes('NAMESPACE_OF_HOST') || undefined)
    assert.doesNotMatch(await links(), /10\.1\.1\.1/)
    await lab.execOk('node1', 'docker rm -f web')
  })

  await step('killed agents, hand-made damage and a killed Docker', async () => {
    await lab.execOk(
      'node1',
      'docker run -d --name web --restart=always --stop-signal KILL --net none netlab/tools sleep 1d',
    )
    const container = await inspectContainer(lab, { name: 'web', host: 'node1', network: 'none' })
    await untilAttached(lab, [container])
    // The userspace switch itself loses a packet now and then while a port comes or goes.
    await settledInventory(lab, hosts)
    const pings = await startPings(lab, 'node1', 'web', '10.1.1.2')
    for (const host of hosts) {
      await lab.kill(host, 'netplugin')
      await pings.untilAnswered()
      await lab.start(host, 'netplugin')
      await pings.untilAnswered()
    }
    const { lost, received } = await pings.stop()
    assert.deepEqual(lost, [], `of ${received}`)

    // The container restarts while its agent, or netmaster, is away.
    await lab.kill('node1', 'netplugin')
    await lab.execOk('node1', 'docker restart web')
    await lab.start('node1', 'netplugin')
    await untilHas(lab, container, 'eth0 10.1.1.1/24')
    await lab.kill('node1', 'netmaster')
    await lab.execOk('node1', 'docker restart web')
    await untilHas(lab, container, 'eth0 10.1.1.1/24')
    await lab.start('node1', 'netmaster')

    const inside = async (command: string) => {
      const { pid } = await inspectContainer(lab, { name: 'web', host: 'node1', network: 'none' })
      await lab.execOk('node1', `nsenter -t ${pid} -n ${command}`)
    }
    for (const damage of [
      'ip link delete eth0',
      'sh -c "ip addr flush dev eth0; ip link set eth0 down"',
      'ip route del default',
    ]) {
      await inside(damage)
      await lab.until(
        `the repair after ${damage}`,
        async () => (await container.succeeds('ping -c 1 -W 1 10.1.1.2')) || undefined,
      )
      await lab.until('the route', async () => /^default/m.test(await container.sh('ip route')) || undefined)
    }

    await lab.kill('node1', 'dockerd')
    await lab.start('node1', 'dockerd')
    await lab.until(
      'web to be attached again',
      async () => {
        const { code } = await lab.exec('node1', 'docker exec web ping -c 1 -W 1 10.1.1.2')
        return code === 0 || undefined
      },
      20_000,
    )
  })

  await step('an empty intent and no containers leave nothing', async () => {
    const container = await inspectContainer(lab, { name: 'db', host: 'node2', network: 'none' })
    await load(lab, '-cfg', nothing)
    await untilHas(lab, container)
    await lab.execOk('node1', 'docker rm -f web')
    await lab.execOk('node2', 'docker rm -f db')
    await untilAsBefore(lab, empty)
  })
}

/** Addresses of the network `front` that are in use. */
async function allocated(lab: TestLab): Promise<string> {
  const shown = await lab.execOk('node1', 'curl -sSf http://netmaster:9999/api/v1/inspect/networks/default:front/')
  return (JSON.parse(shown) as { Oper: { allocatedIPAddresses?: string } }).Oper.allocatedIPAddresses ?? ''
}
