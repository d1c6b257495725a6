// What is in use is not removed, and says by what; what is removed goes from every host; a name can be used again.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hostInventory, settledInventory, takeInventory, untilAsBefore } from '../support/inventory.ts'
import { labSkip, type TestLab, withLab } from '../support/lab.ts'
import { stepsOf } from '../support/steps.ts'

const hosts = ['node1', 'node2']

async function netctl(lab: TestLab, line: string, expected: { code: number; says?: RegExp }): Promise<void> {
  const { code, stdout, stderr } = await lab.exec('node1', `netctl ${line}`)
  assert.equal(code, expected.code, `netctl ${line}\n${stdout}${stderr}`)
  if (expected.says !== undefined) assert.match(stderr, expected.says)
}

const ours = async (lab: TestLab, host: string) =>
  (await hostInventory(lab, host)).dockerNetworks.filter((line) => line.endsWith(' netplugin'))

async function untilDockerHas(lab: TestLab, expected: readonly string[]): Promise<void> {
  for (const host of hosts) {
    await lab.until(`Docker on ${host} to have ${expected.join(', ') || 'no networks of ours'}`, async () => {
      return JSON.stringify(await ours(lab, host)) === JSON.stringify(expected) || undefined
    })
  }
}

test('removing networks, groups and tenants', { skip: labSkip, timeout: 180_000 }, (t) =>
  withLab({ name: 'lcrm' }, async (lab) => {
    const step = stepsOf(t)
    const empty = await settledInventory(lab, hosts)

    await step('networks and groups appear in Docker on every host', async () => {
      await netctl(lab, 'tenant create blue', { code: 0 })
      await netctl(lab, 'net create front --subnet=10.1.1.0/24 --gateway=10.1.1.254', { code: 0 })
      await netctl(lab, 'net create isle --subnet=10.1.2.0/24', { code: 0 })
      await netctl(lab, 'net create -t blue front --subnet=10.1.1.0/24 --gateway=10.1.1.254', { code: 0 })
      await netctl(lab, 'group create front web', { code: 0 })
      await netctl(lab, 'group create -t blue front web', { code: 0 })
      await untilDockerHas(lab, [
        'front netplugin',
        'front/blue netplugin',
        'isle netplugin',
        'web.front netplugin',
        'web.front/blue netplugin',
      ])
    })

    await step('what has containers is kept, and they are named with their hosts', async () => {
      await lab.execOk('node1', 'docker run -d --name plain --net front busybox sleep 1d')
      await lab.execOk('node2', 'docker run -d --name server --net web.front/blue busybox sleep 1d')
      await lab.execOk('node2', 'docker run -d --name alone --net isle busybox sleep 1d')
      const named = async () => (await takeInventory(lab, [])).endpoints.every((line) => !line.startsWith(' '))
      await lab.until('the names of the containers', async () => (await named()) || undefined)
      const before = await settledInventory(lab, hosts)
      await netctl(lab, 'net rm isle', {
        code: 3,
        says: /network default:isle .*\b1 endpoint \(alone on netplugin-node2\)/,
      })
      await netctl(lab, 'net rm front', { code: 3, says: /network default:front .*(plain on netplugin-node1|web)/ })
      await netctl(lab, 'net rm -t blue front', { code: 3, says: /network blue:front .*(server|web)/ })
      await netctl(lab, 'group rm -t blue web', { code: 3, says: /group blue:web .*server on netplugin-node2/ })
      await netctl(lab, 'tenant rm blue', { code: 3, says: /tenant blue .*(network|group).*blue:/ })
      await netctl(lab, 'global set --fwd-mode bridge', { code: 3, says: /front|network/ })
      await untilAsBefore(lab, before)
    })

    await step('a stopped container does not hold its network', async () => {
      await lab.execOk('node2', 'docker stop -t 0 alone')
      await netctl(lab, 'net rm isle', { code: 0 })
      await lab.execOk('node2', 'docker rm alone')
    })

    await step('a name can be used again with another subnet, and means that one on every host', async () => {
      await netctl(lab, 'net create isle --subnet=10.9.0.0/16 --gateway=10.9.0.1 --subnetv6=fd09::/64', { code: 0 })
      for (const host of hosts) {
        await lab.execOk(host, `docker run -d --name again-${host} --net isle busybox sleep 1d`)
        const shown = await lab.execOk(host, `docker exec again-${host} ip -o addr show eth0`)
        assert.match(shown, /inet 10\.9\.0\.[23]\/16/)
        assert.match(shown, /inet6 fd09::[0-9a-f]+\/64/)
      }
      await lab.execOk('node1', 'docker exec again-node1 ping -c 1 -W 5 again-node2')
    })

    await step('without containers everything goes, and Docker forgets it on every host', async () => {
      await Promise.all([
        lab.execOk('node1', 'docker rm -f plain again-node1'),
        lab.execOk('node2', 'docker rm -f server again-node2'),
      ])
      await netctl(lab, 'group rm -t blue web', { code: 0 })
      await netctl(lab, 'group rm web', { code: 0 })
      for (const line of ['net rm -t blue front', 'tenant rm blue', 'net rm front', 'net rm isle']) {
        await netctl(lab, line, { code: 0 })
      }
      await untilAsBefore(lab, empty)
    })
  }),
)
