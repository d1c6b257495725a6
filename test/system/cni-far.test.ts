// Where the far ends of CNI's pairs lie: containers go on while netplugin goes to a version that puts them elsewhere and back, and
// while somebody takes away the namespace that they lie in.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cni, cniOk, makeNamespaces } from '../support/cni.ts'
import { settledInventory, untilAsBefore } from '../support/inventory.ts'
import { labSkip, type TestLab, withLab } from '../support/lab.ts'
import { withoutFarNamespace } from '../support/other-version.ts'
import { stepsOf } from '../support/steps.ts'
import { Upgraded } from '../support/upgraded.ts'

const hosts = ['node1', 'node2']

async function add(lab: TestLab, host: string, container: string): Promise<void> {
  await makeNamespaces(lab, host, container)
  await cniOk(lab, host, 'ADD', { container })
}

async function remove(lab: TestLab, host: string, container: string): Promise<void> {
  await cniOk(lab, host, 'DEL', { container })
  await lab.execOk(host, `ip netns del ${container}`)
}

/** Replies to `ping` of the container at the other host, and what was lost between. */
class Pings {
  readonly #child: ReturnType<TestLab['spawn']>
  readonly #answered = new Set<number>()
  #last = 0

  constructor(lab: TestLab, target: string) {
    this.#child = lab.spawn('node2', ['ip', 'netns', 'exec', 'anchor', 'ping', '-n', '-i', '0.02', '-W', '2', target])
    this.#child.stdout.on('data', (part: Buffer) => {
      for (const [, seq] of part.toString().matchAll(/icmp_seq=(\d+) ttl/g)) {
        this.#answered.add(Number(seq))
        this.#last = Math.max(this.#last, Number(seq))
      }
    })
  }

  get received(): number {
    return this.#answered.size
  }

  stop(): { readonly lost: number; readonly received: number } {
    this.#child.kill('SIGKILL')
    return { lost: this.#last - this.#answered.size, received: this.#answered.size }
  }
}

test('far ends of pairs of CNI', { skip: labSkip, timeout: 200_000 }, (t) =>
  withLab({ name: 'cnfar', without: ['images'] }, async (lab) => {
    const step = stepsOf(t)
    const ping = (target: string) => lab.exec('node2', `ip netns exec anchor ping -c 1 -W 2 ${target}`)
    const answers = (target: string) =>
      lab.until(
        `${target} to answer`,
        async () => ((await ping(target)).code === 0 && (await ping(target)).code === 0) || undefined,
        40_000,
      )
    const farEnds = async () => (await lab.exec('node1', 'ip -n netplugin -o link')).stdout
    await lab.execOk('node1', 'netctl net create n --subnet=10.1.1.0/24 --gateway=10.1.1.254')
    await add(lab, 'node2', 'anchor')
    const before = await settledInventory(lab, hosts)
    const other = new Upgraded(lab, withoutFarNamespace)
    const go = async (way: 'up' | 'down') => {
      await other[way]('node1', 'netplugin')
      await ready()
    }
    const ready = () =>
      lab.until('netplugin', async () => (await cni(lab, 'node1', 'STATUS')).status === 0 || undefined)
    const restart = async () => {
      await lab.start('node1', 'netplugin')
      await ready()
    }

    await step('a container of an older version is not disturbed by the upgrade', async () => {
      await go('up')
      await add(lab, 'node1', 'old')
      assert.doesNotMatch(await farEnds(), /alias netplugin:cni:old/)
      const pings = new Pings(lab, '10.1.1.2')
      await lab.until('replies', async () => pings.received > 20 || undefined)
      await go('down')
      await add(lab, 'node1', 'new')
      assert.match(await farEnds(), /alias netplugin:cni:new:eth0/)
      await answers('10.1.1.3')
      const { received } = pings
      await lab.until('replies to go on', async () => pings.received > received + 50 || undefined)
      const { lost } = pings.stop()
      // The userspace switch loses one now and then while a port comes or goes.
      assert.ok(lost <= 5, `${lost} pings were lost`)
    })

    await step('and both are removed as any other', async () => {
      await remove(lab, 'node1', 'old')
      await remove(lab, 'node1', 'new')
      await untilAsBefore(lab, before)
    })

    await step('after a downgrade a container has its interface again soon', async () => {
      await add(lab, 'node1', 'new')
      await go('up')
      await lab.until('its far end to be gone', async () => !/cni:new/.test(await farEnds()) || undefined)
      await answers('10.1.1.2')
      await go('down')
      await answers('10.1.1.2')
      await remove(lab, 'node1', 'new')
      await untilAsBefore(lab, before)
    })

    await step('the name of the namespace is taken away: it has it again, and no packet is lost', async () => {
      await add(lab, 'node1', 'one')
      const pings = new Pings(lab, '10.1.1.2')
      await lab.until('replies', async () => pings.received > 20 || undefined)
      await lab.execOk('node1', 'ip netns del netplugin')
      await lab.until('the name', async () => /alias netplugin:cni:one/.test(await farEnds()) || undefined)
      await lab.kill('node1', 'netplugin')
      await restart()
      const { received } = pings
      await lab.until('replies to go on', async () => pings.received > received + 100 || undefined)
      const { lost } = pings.stop()
      assert.ok(lost <= 5, `${lost} pings were lost`)
    })

    await step('the namespace goes while netplugin is away: the next one puts everything back', async () => {
      await lab.kill('node1', 'netplugin')
      await lab.execOk('node1', 'ip netns del netplugin')
      await lab.until('the far end to be gone', async () => (await ping('10.1.1.2')).code !== 0 || undefined)
      await restart()
      await answers('10.1.1.2')
      await remove(lab, 'node1', 'one')
      await untilAsBefore(lab, before)
    })
  }),
)
