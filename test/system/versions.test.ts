// A cluster goes to the next version and back, one program at a time, while containers talk: nothing is lost, and at each step
// containers can be started, found and removed.

import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'
import { endpoints } from '../support/inventory.ts'
import { labSkip, type TestLab, withLab } from '../support/lab.ts'
import { makeNextVersion } from '../support/next-version.ts'
import { startPings } from '../support/ping-stream.ts'
import { stepsOf } from '../support/steps.ts'

const health = 'http://netmaster:9999/healthz'
const activate = '--unix-socket /run/docker/plugins/netplugin.sock http://plugin/Plugin.Activate'

type Program = 'netmaster' | 'netplugin'

/** The programs of the next version that run. */
class Upgraded {
  readonly #lab: TestLab
  readonly #paths: { readonly root: string; readonly next: string }
  readonly #running = new Map<string, ChildProcess>()

  constructor(lab: TestLab) {
    this.#lab = lab
    this.#paths = makeNextVersion(join(lab.directory('node1'), 'next'))
  }

  /** In the place of the one that runs, with the same words. */
  async up(host: string, program: Program): Promise<void> {
    const { root, next } = this.#paths
    const find = `tr '\\0' '\\n' < /proc/$(pgrep -o -f '[s]rc/cmd/${program}.ts')/cmdline`
    const words = (await this.#lab.execOk(host, find)).trim().split('\n')
    assert.ok(
      words.some((word) => word === join(root, `src/cmd/${program}.ts`)),
      words.join(' '),
    )
    await this.#lab.kill(host, program)
    const argv = words.map((word) => word.replace(join(root, 'src'), join(next, 'src')))
    const child = this.#lab.spawn(host, argv)
    child.stdout.resume()
    child.stderr.resume()
    this.#running.set(`${host} ${program}`, child)
    const ask = `curl -sf --max-time 2 ${program === 'netmaster' ? health : `-X POST ${activate}`}`
    await this.#lab.until(`${program} to answer`, async () => (await this.#lab.exec(host, ask)).code === 0 || undefined)
  }

  /** Back to the one of now. */
  async down(host: string, program: Program): Promise<void> {
    const child = this.#running.get(`${host} ${program}`)
    assert.ok(child?.exitCode === null, `${program} of the next version ended by itself`)
    // Not until its pipes are closed: the names server goes on, and has them.
    const over = once(child, 'exit')
    child.kill('SIGKILL')
    await over
    await this.#lab.until(`${program} to be gone`, async () => {
      return (await this.#lab.exec(host, ['pgrep', '-f', `src/cmd/${program}.ts`])).code !== 0 || undefined
    })
    await this.#lab.start(host, program)
  }
}

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
    const moves: readonly (readonly ['up' | 'down', string, Program])[] = [
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
