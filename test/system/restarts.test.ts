// What ends and comes back while containers talk: netplugin, netmaster, Open vSwitch, Docker, containers themselves. When
// only our programs die, traffic loses nothing; what happened meanwhile, and what other hands changed, is made up for.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  ask,
  endpoints,
  networkInventory,
  settledInventory,
  takeInventory,
  untilAsBefore,
} from '../support/inventory.ts'
import { labSkip, type TestLab, withLab } from '../support/lab.ts'
import { startPings } from '../support/ping-stream.ts'
import { stepsOf } from '../support/steps.ts'

const hosts = ['node1', 'node2']

const run = (name: string, options = '') =>
  `docker run -d --name ${name} --stop-signal KILL --net contiv-net ${options} busybox sleep 1d`

/** Containers that are made now reach those that were there before, from both hosts, by name. */
async function newContainersWork(lab: TestLab): Promise<void> {
  // One may be lost: ports come just now, and the userspace switch loses a packet now and then while they do.
  const ping = (target: string) => `docker run --rm --net contiv-net busybox ping -c 3 -W 5 ${target}`
  await Promise.all([
    lab.execOk('node1', ping('db'), { timeoutMs: 60_000 }),
    lab.execOk('node2', ping('web'), { timeoutMs: 60_000 }),
  ])
}

async function untilNamed(lab: TestLab, count: number): Promise<void> {
  await lab.until(`${count} endpoints with names`, async () => {
    const found = await endpoints(lab)
    return (found.length === count && found.every((each) => each.containerName !== undefined)) || undefined
  })
}

const addressOf = async (lab: TestLab, name: string) =>
  (await endpoints(lab)).find((each) => each.containerName === name)?.ipAddress[0]

test('restarts', { skip: labSkip, timeout: 280_000 }, (t) =>
  withLab({ name: 'lcrest', hosts: 3 }, async (lab) => {
    const step = stepsOf(t)
    await lab.execOk('node1', 'netctl net create contiv-net --subnet=20.1.1.0/24 --gateway=20.1.1.254')
    await lab.execOk('node1', run('web', '--restart=always'))
    await lab.execOk('node2', run('db'))
    await lab.execOk('node3', run('gone'))
    await untilNamed(lab, 3)

    // Docker asks a plugin that is away for a quarter of a minute, three times: meanwhile the rest of the story goes on.
    await lab.kill('node3', 'netplugin')
    const removed = lab.exec('node3', 'docker rm -f gone', { timeoutMs: 150_000 })
    // From then on the others do without it, and what they hold stays as it is.
    const isLost = async () => {
      const nodes = await ask<readonly { name: string; state: string }[]>(lab, '/internal/v1/nodes')
      return nodes.some(({ name, state }) => name === 'netplugin-node3' && state === 'lost') || undefined
    }
    await lab.until('node3 to be lost', isLost, 60_000)
    const before = await settledInventory(lab, hosts)

    await step('a hundred pings a second lose nothing while netplugin and netmaster die and come back', async () => {
      const pings = await startPings(lab, 'node1', 'web', '20.1.1.2')
      for (const host of hosts) {
        await lab.kill(host, 'netplugin')
        await pings.untilAnswered()
        await lab.start(host, 'netplugin')
      }
      await lab.kill('node1', 'netmaster')
      await pings.untilAnswered()
      // This one knows the cluster only from its own disk.
      await lab.kill('node1', 'netplugin')
      await lab.start('node1', 'netplugin')
      await pings.untilAnswered()
      await lab.start('node1', 'netmaster')
      await pings.untilAnswered()
      await untilAsBefore(lab, before)
      const { lost, received } = await pings.stop()
      assert.deepEqual(lost, [], `of ${received}`)
      assert.ok(received > 300, `only ${received} replies`)
      // Not before: the userspace switch itself loses a packet now and then while a port comes or goes.
      await newContainersWork(lab)
      await untilAsBefore(lab, before)
    })

    await step('without netmaster: docker run says so, docker stop and rm work and are made up for', async () => {
      await lab.execOk('node2', run('short'))
      await untilNamed(lab, 4)
      await lab.kill('node1', 'netmaster')
      const { code, stderr } = await lab.exec('node2', run('early'), { timeoutMs: 20_000 })
      assert.notEqual(code, 0)
      assert.match(stderr, /cannot reach netmaster at http:\/\/netmaster:9999: the connection was refused/)
      await lab.execOk('node2', 'docker stop short && docker rm short early')
      // As above: the port of the one that went goes just now.
      await lab.execOk('node2', 'docker exec db ping -c 3 -W 5 web')
      await lab.start('node1', 'netmaster')
      await untilAsBefore(lab, before)
      await newContainersWork(lab)
    })

    await step('a container stopped and started, and one restarted, are the same to the others', async () => {
      await lab.execOk('node2', 'docker stop db')
      await lab.until('netmaster to forget it', async () => (await addressOf(lab, 'db')) === undefined || undefined)
      const { allocated } = await networkInventory(lab, 'default:contiv-net')
      assert.equal(allocated, '20.1.1.1, 20.1.1.3, 20.1.1.254')
      await lab.execOk('node2', 'docker start db')
      await lab.execOk('node2', 'docker restart db')
      await lab.until('its name', async () => (await addressOf(lab, 'db')) === '20.1.1.2' || undefined)
      await lab.execOk('node1', 'docker exec web ping -c 1 -W 5 db')
    })

    await step('Docker killed and started: containers that are always restarted come back and talk', async () => {
      await lab.execOk('node1', run('plain'))
      await lab.kill('node1', 'dockerd')
      await lab.start('node1', 'dockerd')
      await lab.until('web to run', async () => {
        const { stdout } = await lab.exec('node1', "docker ps --filter name=web --format '{{.Names}}'")
        return stdout.trim() === 'web' || undefined
      })
      await lab.until(
        'the others to know web again',
        async () => (await addressOf(lab, 'web')) !== undefined || undefined,
      )
      await lab.execOk('node2', 'docker exec db ping -c 1 -W 5 web')
      await lab.execOk('node1', 'docker exec web ping -c 1 -W 5 db')
      await lab.execOk('node1', 'docker start plain && docker exec plain ping -c 1 -W 5 db')
      await newContainersWork(lab)
      await lab.execOk('node1', 'docker rm -f plain')
      await untilNamed(lab, 3)
    })

    await step(
      'Open vSwitch killed and started: traffic comes back by itself, and everything is as it was',
      async () => {
        const held = await settledInventory(lab, hosts)
        for (const programs of [['ovs-vswitchd'], ['ovsdb-server'], ['ovs-vswitchd', 'ovsdb-server']] as const) {
          const pings = await startPings(lab, 'node1', 'web', '20.1.1.2')
          for (const program of programs) await lab.kill('node1', program)
          for (const program of [...programs].reverse()) await lab.start('node1', program)
          await pings.untilAnswered()
          await pings.stop()
          await untilAsBefore(lab, held)
        }
        await newContainersWork(lab)
      },
    )

    await step('Open vSwitch killed and started: the first packet to another host is not lost', async () => {
      const held = await settledInventory(lab, hosts)
      await lab.kill('node1', 'ovs-vswitchd')
      await lab.start('node1', 'ovs-vswitchd')
      await untilAsBefore(lab, held)
      await lab.execOk('node1', 'docker exec web ping -c 1 -W 1 20.1.1.2')
    })

    await step('flows, ports and bridges that other hands removed or replaced are made again', async () => {
      const held = await settledInventory(lab, hosts)
      const port = `$(ovs-vsctl --bare --columns=name find port external_ids:netplugin-endpoint!='""')`
      for (const hand of [
        `ovs-ofctl --names del-flows np-int table=4,in_port=${port}`,
        // In the place of one of ours.
        'ovs-ofctl add-flow np-int cookie=0x1234,table=12,priority=0,actions=drop',
        'ovs-ofctl del-flows np-int',
        // Cookies stay, and there are as many flows.
        'ovs-ofctl mod-flows np-int actions=drop',
        `ovs-vsctl del-port ${port}`,
        'ovs-vsctl del-port np-vxlan',
        'ovs-vsctl del-br np-int',
      ]) {
        await lab.execOk('node1', hand)
        await untilAsBefore(lab, held, 12_000)
        await lab.execOk('node1', 'docker exec web ping -c 3 -W 1 db')
      }
      await newContainersWork(lab)
    })

    await step(
      'what was removed while netplugin was down is gone after its start: endpoint, address, link, port',
      async () => {
        const { code, stderr } = await removed
        assert.equal(code, 0, stderr)
        const held = await takeInventory(lab, ['node3'])
        const portsOf = (inventory: typeof held) => inventory.hosts.node3?.ports.filter((port) => port.startsWith('vp'))
        assert.equal(portsOf(held)?.length, 1, 'the port outlives Docker and netplugin')
        assert.ok(held.endpoints.includes('gone netplugin-node3 20.1.1.3'))
        await lab.start('node3', 'netplugin')
        await lab.until(
          'the endpoint to go',
          async () => (await addressOf(lab, 'gone')) === undefined || undefined,
          40_000,
        )
        await lab.until('port and link to go', async () => {
          const now = await takeInventory(lab, ['node3'])
          const clean = portsOf(now)?.length === 0 && !now.hosts.node3?.links.some((link) => link.startsWith('vp'))
          return clean || undefined
        })
        const { allocated } = await networkInventory(lab, 'default:contiv-net')
        assert.equal(allocated, '20.1.1.1-20.1.1.2, 20.1.1.254')
        await lab.execOk('node3', 'docker run --rm --net contiv-net busybox ping -c 1 -W 5 web')
      },
    )
  }),
)
