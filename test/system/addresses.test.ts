// Addresses of containers on a cluster of two hosts: which ones are given, that none is given twice, and that all come
// back: when containers go, and when making them fails half-way.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { networkInventory, settledInventory, takeInventory, untilAsBefore } from '../support/inventory.ts'
import { labSkip, type TestLab, withLab } from '../support/lab.ts'
import { attach, callPlugin } from '../support/plugin-socket.ts'
import { stepsOf } from '../support/steps.ts'

const hosts = ['node1', 'node2']
const pool = 'contiv-net.default|20.1.1.0/24'

const run = (name: string, options = '', image = 'busybox sleep 1d') =>
  `docker run -d --name ${name} --stop-signal KILL --net contiv-net ${options} ${image}`

const address = async (lab: TestLab, host: string, name: string) =>
  (
    await lab.execOk(host, `docker inspect -f '{{(index .NetworkSettings.Networks "contiv-net").IPAddress}}' ${name}`)
  ).trim()

/** The message with which a command fails. */
async function refusal(lab: TestLab, host: string, command: string): Promise<string> {
  const { code, stdout, stderr } = await lab.exec(host, command, { timeoutMs: 60_000 })
  assert.notEqual(code, 0, `${host}$ ${command}\n${stdout}`)
  return stderr
}

test('addresses are given once, and given back', { skip: labSkip, timeout: 240_000 }, (t) =>
  withLab({ name: 'lcaddr' }, async (lab) => {
    const step = stepsOf(t)
    await lab.execOk('node1', 'netctl net create contiv-net --subnet=20.1.1.0/24 --gateway=20.1.1.254')
    const before = await takeInventory(lab, hosts)
    assert.deepEqual(before.networks['default:contiv-net'], {
      allocated: '20.1.1.254',
      available: '20.1.1.1-20.1.1.253',
    })

    await step('the lowest free address comes first, on whichever host', async () => {
      for (const [host, name, expected] of [
        ['node1', 'c1', '20.1.1.1'],
        ['node2', 'c2', '20.1.1.2'],
        ['node1', 'c3', '20.1.1.3'],
      ] as const) {
        await lab.execOk(host, run(name))
        assert.equal(await address(lab, host, name), expected)
      }
      await lab.execOk('node2', 'docker rm -f c2')
      await lab.execOk('node1', run('c4'))
      assert.equal(await address(lab, 'node1', 'c4'), '20.1.1.2')
    })

    await step('an address that was asked for is given, and shown as taken', async () => {
      await lab.execOk('node2', run('c5', '--ip 20.1.1.77'))
      assert.equal(await address(lab, 'node2', 'c5'), '20.1.1.77')
      assert.equal((await lab.execOk('node2', 'docker exec c5 ip -4 -o addr show eth0')).includes('20.1.1.77/24'), true)
      assert.deepEqual(await networkInventory(lab, 'default:contiv-net'), {
        allocated: '20.1.1.1-20.1.1.3, 20.1.1.77, 20.1.1.254',
        available: '20.1.1.4-20.1.1.76, 20.1.1.78-20.1.1.253',
      })
    })

    await step('a second use is refused on both hosts, with the name of the holder', async () => {
      for (const host of hosts) {
        const said = await refusal(lab, host, run('thief', '--ip 20.1.1.77'))
        assert.match(said, /address 20\.1\.1\.77 of network default:contiv-net is in use by c5 on netplugin-node2/)
        await lab.execOk(host, 'docker rm thief')
      }
      assert.match(await refusal(lab, 'node1', run('thief', '--ip 20.1.1.254')), /20\.1\.1\.254 is the gateway/)
      await lab.execOk('node1', 'docker rm thief')
      assert.equal(await address(lab, 'node2', 'c5'), '20.1.1.77')
    })

    await step('the addresses of containers that go are free again', async () => {
      await Promise.all([lab.execOk('node1', 'docker rm -f c1 c3 c4'), lab.execOk('node2', 'docker rm -f c5')])
      await untilAsBefore(lab, before)
    })

    await step('50 attachments at once over two hosts get 50 addresses', async () => {
      const dockerIds = await Promise.all(
        hosts.map((host) => lab.execOk(host, "docker network inspect -f '{{.Id}}' contiv-net")),
      )
      const started = ['r1', 'r2', 'r3'].flatMap((name) =>
        hosts.map((host) => lab.execOk(host, run(`${name}-${host}`), { timeoutMs: 90_000 })),
      )
      const attached = await Promise.all(
        Array.from({ length: 44 }, (_, index) => {
          const dockerId = (dockerIds[index % 2] ?? '').trim()
          const endpointId = `${index}`.padStart(64, '0')
          return attach(lab, hosts[index % 2] ?? '', { dockerId, pool }, endpointId)
        }),
      )
      await Promise.all(started)
      const given = attached.map((each) => each.address)
      for (const host of hosts) {
        for (const name of ['r1', 'r2', 'r3']) given.push(await address(lab, host, `${name}-${host}`))
      }
      const lowest = Array.from({ length: 50 }, (_, index) => `20.1.1.${index + 1}`)
      assert.deepEqual([...given].sort(), lowest.sort())
      const { allocated } = await networkInventory(lab, 'default:contiv-net')
      assert.equal(allocated, '20.1.1.1-20.1.1.50, 20.1.1.254')
      await Promise.all(attached.map(({ detach }) => detach()))
      await Promise.all(hosts.map((host) => lab.execOk(host, `docker rm -f r1-${host} r2-${host} r3-${host}`)))
      await untilAsBefore(lab, before)
    })

    await step('a container that cannot be made or started leaves nothing', async () => {
      await lab.execOk('node1', run('keeper'))
      const held = await settledInventory(lab, hosts)
      assert.match(await refusal(lab, 'node1', run('keeper')), /name "\/keeper" is already in use/)
      assert.match(await refusal(lab, 'node1', run('other', '', 'no-such-image')), /Unable to find image/)
      assert.match(await refusal(lab, 'node1', run('other', '', 'busybox no-such-program')), /no-such-program/)
      await lab.execOk('node1', 'docker rm other')
      await untilAsBefore(lab, held)
      await lab.execOk('node1', 'docker rm -f keeper')
    })

    await step(
      'a switch that hangs during the attach is named and leaves nothing; one whose database hangs works on',
      async () => {
        await lab.kill('node1', 'ovs-vswitchd', 'STOP')
        await lab.kill('node2', 'ovsdb-server', 'STOP')
        const [daemon] = await Promise.all([refusal(lab, 'node1', run('stuck')), lab.execOk('node2', run('stuck'))])
        await lab.kill('node1', 'ovs-vswitchd', 'CONT')
        await lab.kill('node2', 'ovsdb-server', 'CONT')
        assert.match(daemon, /could not be attached: .*\b8000 ms/)
        await lab.execOk('node2', 'docker exec stuck ping -c 1 -W 5 20.1.1.254')
        await Promise.all(hosts.map((host) => lab.execOk(host, 'docker rm -f stuck')))
        // Sooner than an endpoint without a container would be given up.
        await untilAsBefore(lab, before, 8_000)
      },
    )

    await step('netmaster killed between address and endpoint: the address comes back with it', async () => {
      const dockerId = (await lab.execOk('node2', "docker network inspect -f '{{.Id}}' contiv-net")).trim()
      const { body } = await callPlugin(lab, 'node2', 'IpamDriver.RequestAddress', { PoolID: pool, Address: '' })
      assert.equal(body.Address, '20.1.1.1/24')
      await lab.kill('node1', 'netmaster')
      const create = {
        NetworkID: dockerId,
        EndpointID: 'e'.repeat(64),
        Interface: { Address: '20.1.1.1/24', AddressIPv6: '', MacAddress: '' },
        Options: {},
      }
      const failed = await callPlugin(lab, 'node2', 'NetworkDriver.CreateEndpoint', create)
      assert.equal(failed.status, 500)
      assert.match(
        failed.text,
        /cannot reach netmaster at http:\/\/netmaster:9999: the connection was (refused|closed)/,
      )
      const released = await callPlugin(lab, 'node2', 'IpamDriver.ReleaseAddress', {
        PoolID: pool,
        Address: '20.1.1.1',
      })
      assert.equal(released.status, 200)
      await lab.start('node1', 'netmaster')
      await untilAsBefore(lab, before)
    })

    await step('netmaster hanging and killed during docker run: nothing is left, and the next one works', async () => {
      await lab.kill('node1', 'netmaster', 'STOP')
      const waiting = refusal(lab, 'node2', run('unlucky'))
      const said = await waiting
      assert.match(said, /netmaster at http:\/\/netmaster:9999 did not answer within 5 s/)
      await lab.kill('node1', 'netmaster')
      await lab.start('node1', 'netmaster')
      await lab.execOk('node2', 'docker rm unlucky')
      await untilAsBefore(lab, before)
      await lab.execOk('node2', run('lucky'))
      assert.equal(await address(lab, 'node2', 'lucky'), '20.1.1.1')
      await lab.execOk('node2', 'docker rm -f lucky')
      await untilAsBefore(lab, before)
    })
  }),
)
