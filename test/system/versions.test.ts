// A cluster goes to the next version and back, one program at a time, while containers talk: nothing is lost, and at each step
// containers can be started, found and removed.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { endpoints } from '../support/inventory.ts'
import { labSkip, withLab } from '../support/lab.ts'
import { startPings } from '../support/ping-stream.ts'
import { stepsOf } from '../support/steps.ts'
import { Upgraded, type UpgradedProgram } from '../support/upgraded.ts'

const run = (name: string) => `docker run -d --name ${name} --stop-signal KILL --net contiv-net busybox sleep 1d`

test('upgrade and downgrade under traffic', { skip: labSkip, timeout: 280_000 }, (t) =>
  withLab({ name: 'versions' }, async (lab) => {
    const step = stepsOf(t)
    await lab.execOk('node1', 'netctl net create contiv-net --subnet=20.1.1.0/24 --gateway=20.1.1.254')
    await lab.execOk('node1', run('web'))
    await lab.execOk('node2', run('db'))
    const upgraded = new Upgraded(lab)
    const known = async (count: number) =>
      lab.until(`${count} endpoints with names`, async () => {
        const found = await endpoints(lab).catch(() => [])
        return (found.length === count && found.every(({ containerName }) => containerName !== undefined)) || undefined
      })
    /** Both hosts are in touch, and take and give back containers. */
    const works = async () => {
      await lab.until('both hosts to be up to date', async () => {
        return (await lab.exec('node1', 'netctl cluster status')).code === 0 || undefined
      })
      for (const [host, target] of [
        ['node1', 'db'],
        ['node2', 'web'],
      ] as const) {
        await lab.execOk(host, `docker run --rm --net contiv-net busybox ping -c 1 -W 5 ${target}`, {
          timeoutMs: 60_000,
        })
      }
      await lab.execOk(
        'node1',
        'netctl policy create p && netctl policy rule-add -j deny -l udp -P 9 p 1 && netctl policy rm p',
      )
      await known(2)
    }
    await known(2)
    await works()
    const pings = await startPings(lab, 'node1', 'web', '20.1.1.2')
    const moves: readonly (readonly ['up' | 'down', string, UpgradedProgram])[] = [
      ['up', 'node1', 'netmaster'],
      ['up', 'node1', 'netplugin'],
      ['up', 'node2', 'netplugin'],
      ['down', 'node1', 'netmaster'],
      ['down', 'node2', 'netplugin'],
      ['down', 'node1', 'netplugin'],
      // Hosts first.
      ['up', 'node2', 'netplugin'],
      ['down', 'node2', 'netplugin'],
    ]
    for (const [way, host, program] of moves) {
      await step(`${program} of ${host} goes ${way}`, async () => {
        const before = pings.received
        await upgraded[way](host, program)
        await lab.until('pings to go on', () => pings.received > before + 50 || undefined)
        await works()
      })
    }
    await step('no ping was lost', async () => {
      const { lost, received } = await pings.stop()
      // The userspace switch itself loses a packet now and then while a port comes or goes.
      assert.ok(lost.length <= received / 200, `${lost.length} of ${received} pings were lost`)
    })
  }),
)
