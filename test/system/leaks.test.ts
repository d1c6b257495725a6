// Thirty lives of containers on two hosts, with programs killed in between: in the end everything is as it was.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { settledInventory, untilAsBefore } from '../support/inventory.ts'
import { labSkip, type TestLab, withLab } from '../support/lab.ts'

const hosts = ['node1', 'node2'] as const

/** How containers end; what a killed program makes fail, the removal behind it makes up for. */
const ends: readonly ((name: string) => string)[] = [
  () => 'true',
  (name) => `docker kill ${name}`,
  (name) => `docker stop ${name}`,
  (name) => `docker restart ${name}`,
  (name) => `docker network disconnect red ${name}`,
]

/** Five containers on one host, one after another; each talks before it ends. Names those that did not. */
async function lives(lab: TestLab, host: string, round: number): Promise<string[]> {
  const failed: string[] = []
  for (const [index, end] of ends.entries()) {
    const name = `life-${host}-${round}-${index}`
    const network = index % 2 === 0 ? 'red' : 'web.red'
    const used = index === 4 ? 'red' : network
    const run = `docker run -d --name ${name} --stop-signal KILL --net ${used} busybox sleep 1d`
    const started = await lab.exec(host, run, { timeoutMs: 60_000 })
    const talks = started.code === 0 && (await lab.exec(host, `docker exec ${name} ping -c 3 -W 2 anchor`)).code === 0
    if (!talks) failed.push(`${name} ${started.stderr}`)
    await lab.execOk(host, `${end(name)}; docker rm -f ${name}`, { timeoutMs: 150_000 })
  }
  return failed
}

test('thirty lives of containers with kills in between leave nothing', { skip: labSkip, timeout: 240_000 }, () =>
  withLab({ name: 'lcleak' }, async (lab) => {
    await lab.execOk('node1', 'netctl net create red --subnet=10.1.1.0/24 --gateway=10.1.1.254')
    await lab.execOk('node1', 'netctl group create red web')
    await lab.execOk('node1', 'docker run -d --name anchor --net red busybox sleep 1d')
    await lab.until('its name', async () => {
      const { stdout } = await lab.exec('node1', 'netctl endpoint inspect anchor')
      return stdout.includes('"containerName": "anchor"') || undefined
    })
    const before = await settledInventory(lab, hosts)

    const round = (number: number) => Promise.all(hosts.map((host) => lives(lab, host, number)))
    const calm = await round(1)
    assert.deepEqual(calm.flat(), [], 'without kills every container talks')
    await untilAsBefore(lab, before)

    // What is made while programs die may fail, with a message; it must leave nothing all the same.
    const restart = async (host: string, program: 'netplugin' | 'netmaster' | 'ovs-vswitchd') => {
      await lab.kill(host, program)
      await lab.start(host, program)
    }
    const kills = (async () => {
      await restart('node1', 'netplugin')
      await restart('node1', 'netmaster')
      await restart('node2', 'netplugin')
      await restart('node2', 'ovs-vswitchd')
      await restart('node1', 'netmaster')
    })()
    await Promise.all([round(2), kills])
    await round(3)
    // An endpoint that Docker forgot while netplugin was down is given up after a while.
    await untilAsBefore(lab, before, 60_000)
    await lab.execOk('node2', 'docker run --rm --net red busybox ping -c 3 -W 2 anchor')
  }),
)
