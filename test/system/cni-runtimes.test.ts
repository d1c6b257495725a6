// Real runtimes: podman and containerd by CNI, beside Docker, in the same network of two hosts.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { shim } from '../support/cni.ts'
import { startContainer } from '../support/containers.ts'
import { endpoints, settledInventory, untilAsBefore } from '../support/inventory.ts'
import { labSkip, type TestLab, withLab } from '../support/lab.ts'
import { ctrExec, ctrRemove, ctrRun, loadImages, podmanRun } from '../support/runtimes.ts'
import { stepsOf } from '../support/steps.ts'

const hosts = ['node1', 'node2']

const addressOf = async (lab: TestLab, name: string) =>
  (await endpoints(lab)).find((each) => each.containerName === name)?.ipAddress[0]

test('podman, containerd and Docker share a network', { skip: labSkip, timeout: 280_000 }, (t) =>
  withLab({ name: 'cnrun', with: ['cni'] }, async (lab) => {
    const step = stepsOf(t)
    await lab.execOk('node1', 'netctl net create web --subnet=10.1.1.0/24 --gateway=10.1.1.254')
    await lab.execOk('node1', 'netctl net create other --subnet=10.1.2.0/24 --gateway=10.1.2.254')
    await lab.execOk('node1', 'netctl group create web front')
    const executable = await shim()
    for (const host of hosts) {
      await lab.execOk(
        host,
        `netplugin cni install --network web --group front && netplugin cni install --network other`,
      )
      await lab.execOk(host, `cp ${executable} /opt/cni/bin/netplugin-cni`)
      await loadImages(lab, host)
      // containerd takes the first configuration that it finds.
      await lab.execOk(host, 'mv /etc/cni/net.d/10-other.conflist /etc/cni/net.d/20-other.conflist')
    }
    const before = await settledInventory(lab, hosts)

    await step('a container of each reaches the others, by address and by name', async () => {
      await podmanRun(lab, 'node1', 'pod', '--network web')
      await ctrRun(lab, 'node2', 'ctd')
      const docker = await startContainer(lab, { name: 'dock', host: 'node2', network: 'front.web' })
      // ctr says its namespace, too.
      const [pod, ctd] = [await addressOf(lab, 'pod'), await addressOf(lab, 'default-ctd')]
      assert.ok(pod && ctd)
      for (const target of [ctd, docker.ipv4, 'dock']) {
        await lab.execOk('node1', `podman exec pod ping -c 1 -W 5 ${target}`)
      }
      for (const target of [pod, docker.ipv4]) {
        await lab.execOk('node2', ctrExec('ctd', `ping -c 1 -W 5 ${target}`))
      }
      for (const target of [pod, ctd, 'pod', 'default-ctd']) await docker.sh(`ping -c 1 -W 5 ${target}`)
      const shown = (await endpoints(lab)).map(({ containerName, homingHost }) => [containerName, homingHost])
      assert.deepEqual(shown.sort(), [
        ['default-ctd', 'netplugin-node2'],
        ['dock', 'netplugin-node2'],
        ['pod', 'netplugin-node1'],
      ])
    })

    await step(
      'podman: an address and a MAC of its own, a published port, a second network, gone and back',
      async () => {
        const serve = "sh -c 'mkdir /w; echo fixed >/w/index.html; exec httpd -f -p 80 -h /w'"
        const options = '--network web:ip=10.1.1.77,mac=02:00:00:00:00:77 -p 8099:80'
        await podmanRun(lab, 'node1', 'fixed', options, serve)
        const links = await lab.execOk('node1', 'podman exec fixed ip -o addr show eth0')
        assert.match(links, /10\.1\.1\.77\/24/)
        assert.match(await lab.execOk('node1', 'podman exec fixed ip link show eth0'), /02:00:00:00:00:77/)
        const page = () => lab.exec('node2', 'curl -sS --max-time 3 http://10.77.0.1:8099/')
        assert.equal((await page()).stdout, 'fixed\n')
        await lab.execOk('node1', 'podman network connect other fixed')
        assert.match(await lab.execOk('node1', 'podman exec fixed ip -o addr show eth1'), /10\.1\.2\.\d+\/24/)
        await lab.execOk('node1', 'podman network disconnect other fixed')
        assert.doesNotMatch(await lab.execOk('node1', 'podman exec fixed ip -o link'), /eth1/)
        await lab.execOk('node1', 'podman restart -t 0 fixed', { timeoutMs: 60_000 })
        await lab.until('the page again', async () => (await page()).stdout === 'fixed\n' || undefined)
        assert.equal(await addressOf(lab, 'fixed'), '10.1.1.77')
      },
    )

    await step('policy holds for all of them', async () => {
      await lab.execOk('node1', 'netctl policy create closed && netctl policy rule-add -l icmp -j deny closed 1')
      await lab.execOk('node1', 'netctl group create -p closed --wait web front')
      const pod = await addressOf(lab, 'pod')
      assert.notEqual((await lab.exec('node2', ctrExec('ctd', `ping -c 1 -W 1 ${pod}`))).code, 0)
      await lab.execOk('node1', 'netctl group create -p "" --wait web front')
      await lab.execOk('node2', ctrExec('ctd', `ping -c 1 -W 5 ${pod}`))
      await lab.execOk('node1', 'netctl policy rm closed')
    })

    await step('netplugin is killed: traffic goes on, and the runtimes go on with its successor', async () => {
      for (const host of hosts) await lab.kill(host, 'netplugin')
      const pod = await addressOf(lab, 'pod')
      await lab.execOk('node2', ctrExec('ctd', `ping -c 1 -W 5 ${pod}`))
      const { code, stderr } = await lab.exec('node1', 'podman run --rm --network web busybox true')
      assert.notEqual(code, 0)
      assert.match(stderr, /netplugin (does not run on this host|ended while)/)
      for (const host of hosts) await lab.start(host, 'netplugin')
      await lab.execOk('node1', 'podman rm -f -t 0 pod fixed', { timeoutMs: 60_000 })
      await ctrRemove(lab, 'node2', 'ctd')
      await lab.execOk('node2', 'docker rm -f dock')
      await untilAsBefore(lab, before, 60_000)
    })
  }),
)
