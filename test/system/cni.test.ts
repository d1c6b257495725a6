// Containers that come by CNI: the executable, netplugin behind it, interfaces in real namespaces, packets between hosts.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { cni, cniOk, makeNamespaces } from '../support/cni.ts'
import { networkInventory, settledInventory, untilAsBefore } from '../support/inventory.ts'
import { labSkip, type TestLab, withLab } from '../support/lab.ts'
import { stepsOf } from '../support/steps.ts'

const hosts = ['node1', 'node2']
const script = ['sh', fileURLToPath(new URL('../../native/netplugin-cni.sh', import.meta.url))]

const ping = (lab: TestLab, host: string, container: string, target: string) =>
  lab.exec(host, `ip netns exec ${container} ping -c 1 -W 3 ${target}`)

test('containers by CNI', { skip: labSkip, timeout: 200_000 }, (t) =>
  withLab({ name: 'cncni' }, async (lab) => {
    const step = stepsOf(t)
    await lab.execOk(
      'node1',
      'netctl net create n --subnet=10.1.1.0/24 --gateway=10.1.1.254 -s6 fd01::/64 -g6 fd01::fe',
    )
    await lab.execOk('node1', 'netctl net create tiny --subnet=10.1.2.0/30 --gateway=10.1.2.1')
    await lab.execOk('node1', 'netctl group create n web')
    await makeNamespaces(lab, 'node1', 'c1', 'c3', 'c4')
    await makeNamespaces(lab, 'node2', 'c2')
    const before = await settledInventory(lab, hosts)

    await step('ADD on two hosts: they reach each other by IPv4 and IPv6, at once', async () => {
      const first = await cniOk(lab, 'node1', 'ADD')
      assert.deepEqual(
        first.ips?.map(({ address, gateway }) => [address, gateway]),
        [
          ['10.1.1.1/24', '10.1.1.254'],
          ['fd01::1/64', 'fd01::fe'],
        ],
      )
      await cniOk(lab, 'node2', 'ADD', { container: 'c2' })
      for (const address of ['10.1.1.1', 'fd01::1']) {
        assert.equal((await ping(lab, 'node2', 'c2', address)).code, 0, address)
      }
      const shown = await lab.execOk('node1', 'netctl endpoint inspect c1')
      assert.match(shown, /"homingHost": "netplugin-node1"/)
    })

    await step('TCP carries data, and names of other containers resolve', async () => {
      const server = lab.spawn('node1', [
        'ip',
        'netns',
        'exec',
        'c1',
        'socat',
        '-u',
        'TCP-LISTEN:80',
        'CREATE:/run/got',
      ])
      await lab.until('the server listens', async () => {
        const { stdout } = await lab.exec('node1', 'ip netns exec c1 ss -Hltn')
        return stdout.includes(':80') || undefined
      })
      await lab.execOk('node2', 'head -c 2000000 /dev/zero | ip netns exec c2 socat -u - TCP:10.1.1.1:80')
      await lab.until('all of it', async () => {
        const { stdout } = await lab.exec('node1', 'stat -c %s /run/got')
        return stdout.trim() === '2000000' || undefined
      })
      server.kill('SIGKILL')
      assert.equal(await lab.execOk('node2', 'ip netns exec c2 dig +short @10.1.1.254 c1 A'), '10.1.1.1\n')
    })

    await step(
      'what comes and goes changes no link of the host, and the switch does not look at its ports',
      async () => {
        await makeNamespaces(lab, 'node1', 'c5')
        const given = { container: 'c5' }
        const waiting = async () => {
          const { stdout } = await lab.exec('node1', 'ip -n netplugin -o link | grep -c "alias netplugin:reserve:cni"')
          return Number(stdout)
        }
        const looks = async () => {
          const shown = await lab.execOk('node1', 'ovs-appctl coverage/show | grep bridge_reconfigure')
          return shown.replace(/.*total/, '')
        }
        const full = await lab.until('pairs to wait', async () => ((await waiting()) >= 8 ? waiting() : undefined))
        const monitor = lab.spawn('node1', ['ip', '-o', 'monitor', 'link'])
        let events = ''
        monitor.stdout.on('data', (part: Buffer) => {
          events += part.toString()
        })
        const mark = async (name: string) => {
          await lab.until(`to hear of ${name}`, async () => {
            await lab.execOk('node1', `ip link add ${name} type bridge && ip link del ${name}`)
            return events.includes(name) || undefined
          })
        }
        await mark('begin')
        // It hears of what the marks were a moment later.
        const before = await lab.until('the switch to rest', async () => {
          const first = await looks()
          await lab.execOk('node1', 'sleep 1')
          return (await looks()) === first ? first : undefined
        })
        await cniOk(lab, 'node1', 'ADD', given)
        assert.equal((await ping(lab, 'node2', 'c2', '10.1.1.3')).code, 0)
        await cniOk(lab, 'node1', 'DEL', given)
        await lab.until('the pair to wait again', async () => (await waiting()) === full || undefined)
        const after = await looks()
        await mark('end')
        monitor.kill('SIGKILL')
        assert.deepEqual(
          events.split('\n').filter((line) => line !== '' && !/\b(begin|end)\b/.test(line)),
          [],
        )
        assert.equal(after, before)
      },
    )

    await step('CHECK agrees; ADD again answers the same', async () => {
      const { status: _, ...prevResult } = await cniOk(lab, 'node1', 'ADD')
      await cniOk(lab, 'node1', 'CHECK', { config: { prevResult } })
      await lab.execOk('node1', 'ip -n c1 address del 10.1.1.1/24 dev eth0')
      const { code, msg } = await cni(lab, 'node1', 'CHECK', { config: { prevResult } })
      assert.equal(code, 102)
      assert.match(msg ?? '', /eth0 has no address 10.1.1.1\/24/)
      await cniOk(lab, 'node1', 'ADD')
      await cniOk(lab, 'node1', 'CHECK', { config: { prevResult } })
    })

    await step('a link that somebody deletes is made anew, and the interface put back', async () => {
      const [port] = (await cniOk(lab, 'node1', 'ADD')).interfaces ?? []
      await lab.execOk('node1', `ip link del ${port?.name}`)
      await lab.until(
        'it answers again',
        async () => (await ping(lab, 'node2', 'c2', '10.1.1.1')).code === 0 || undefined,
        40_000,
      )
    })

    await step(
      'several interfaces, a group, an address and a MAC that are asked for, by the shell script',
      async () => {
        const asked = {
          container: 'c3',
          program: script,
          config: { group: 'web', runtimeConfig: { ips: ['10.1.1.77/24'] } },
        }
        const { ips, interfaces } = await cniOk(lab, 'node1', 'ADD', { ...asked, args: 'MAC=02:00:00:00:00:77' })
        assert.deepEqual([ips?.[0]?.address, interfaces?.[1]?.mac], ['10.1.1.77/24', '02:00:00:00:00:77'])
        await cniOk(lab, 'node1', 'ADD', {
          container: 'c3',
          ifname: 'eth1',
          config: { network: 'tiny' },
          program: script,
        })
        assert.equal((await ping(lab, 'node2', 'c2', '10.1.1.77')).code, 0)
        const links = await lab.execOk('node1', 'ip -n c3 -o link')
        assert.match(links, /eth0@.*\n.*eth1@/)
      },
    )

    await step('a published port leads in, and limits hold for each direction', async () => {
      const bandwidth = { ingressRate: 8_000_000, egressRate: 3_000_000 }
      const portMappings = [{ hostPort: 8081, containerPort: 80, protocol: 'tcp' }]
      await cniOk(lab, 'node1', 'ADD', { container: 'c4', config: { runtimeConfig: { portMappings, bandwidth } } })
      const meters = await lab.execOk('node1', 'ovs-ofctl -O OpenFlow14 dump-meters np-int')
      assert.match(meters, /rate=8000 /)
      assert.match(meters, /rate=3000 /)
      const server = lab.spawn('node1', [
        'ip',
        'netns',
        'exec',
        'c4',
        'socat',
        'TCP-LISTEN:80,fork',
        'SYSTEM:echo here',
      ])
      const { stdout } = await lab.until('an answer', async () => {
        const answer = await lab.exec('node2', 'socat -u TCP:10.77.0.1:8081 -')
        return answer.code === 0 && answer.stdout !== '' ? answer : undefined
      })
      assert.equal(stdout, 'here\n')
      server.kill('SIGKILL')
    })

    await step('what cannot be: each with its number, and nothing is left of it', async () => {
      await lab.execOk('node1', 'ip -n c4 link add eth9 type veth peer name other9')
      const { allocated } = await networkInventory(lab, 'default:n')
      const numberOf = async (given: Parameters<typeof cni>[3]) => (await cni(lab, 'node1', 'ADD', given)).code
      assert.deepEqual(
        [
          await numberOf({ config: { cniVersion: '0.9.9' } }),
          await numberOf({ config: { ipam: { type: 'host-local' } } }),
          await numberOf({ container: 'gone' }),
          await numberOf({ netns: '/proc/1/ns/net', container: 'host' }),
          await numberOf({ ifname: 'a-name-too-long-for-linux' }),
          await numberOf({ container: 'c4', ifname: 'eth9' }),
          await numberOf({ config: { name: '' } }),
          await numberOf({ container: 'c4', ifname: 'eth2', config: { network: 'none' } }),
          await numberOf({ container: 'c4', ifname: 'eth2', config: { group: 'none' } }),
          await numberOf({ container: 'c4', ifname: 'eth2', config: { runtimeConfig: { ips: ['10.9.9.9'] } } }),
          await numberOf({ container: 'c4', ifname: 'eth2', config: { network: 'tiny' } }),
        ],
        [1, 2, 3, 4, 4, 4, 7, 7, 7, 7, 100],
      )
      assert.equal((await networkInventory(lab, 'default:n')).allocated, allocated)
      await lab.execOk('node1', 'ip -n c4 link del eth9')
    })

    await step('without netmaster: DEL succeeds and is made up for, ADD and STATUS say so', async () => {
      await lab.kill('node1', 'netmaster')
      await cniOk(lab, 'node1', 'DEL', { container: 'c3' })
      await cniOk(lab, 'node1', 'DEL', { container: 'c3', netns: '' })
      assert.notEqual((await ping(lab, 'node2', 'c2', '10.1.1.77')).code, 0)
      const { code, msg } = await cni(lab, 'node1', 'ADD', { container: 'c3' })
      assert.equal(code, 11)
      assert.match(msg ?? '', /cannot reach netmaster/)
      await lab.start('node1', 'netmaster')
      await lab.until('its address is free', async () => {
        const { allocated } = await networkInventory(lab, 'default:n')
        return !allocated.includes('10.1.1.77') || undefined
      })
    })

    await step('without netplugin: an error 11 at once, from the executable and from the script', async () => {
      await lab.kill('node2', 'netplugin')
      for (const program of [undefined, script]) {
        const { code, msg } = await cni(lab, 'node2', 'DEL', { container: 'c2', ...(program ? { program } : {}) })
        assert.equal(code, 11)
        assert.match(msg ?? '', /netplugin (does not run on this host|ended while)/)
      }
      assert.equal((await ping(lab, 'node2', 'c2', '10.1.1.1')).code, 0, 'traffic goes on')
      await lab.start('node2', 'netplugin')
      await lab.until('STATUS', async () => (await cni(lab, 'node2', 'STATUS')).status === 0 || undefined)
    })

    await step('GC with the valid attachments, DEL of the rest: nothing is left', async () => {
      const valid = [
        { containerID: 'c1', ifname: 'eth0' },
        { containerID: 'c3', ifname: 'eth1' },
      ]
      await cniOk(lab, 'node1', 'GC', { config: { 'cni.dev/valid-attachments': valid } })
      assert.equal((await networkInventory(lab, 'default:n')).allocated, '10.1.1.1-10.1.1.2, 10.1.1.254')
      await cniOk(lab, 'node1', 'DEL')
      await cniOk(lab, 'node1', 'DEL', { container: 'c3', ifname: 'eth1' })
      await cniOk(lab, 'node2', 'DEL', { container: 'c2' })
      await untilAsBefore(lab, before)
      for (const name of ['c1', 'c3', 'c4']) {
        assert.doesNotMatch(await lab.execOk('node1', `ip -n ${name} -o link`), /eth/)
      }
    })
  }),
)
