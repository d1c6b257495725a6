// Programs of another version in the hosts of a lab, and the way back.

import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { TestLab } from './lab.ts'
import { type Edit, makeVersion } from './other-version.ts'

const health = 'http://netmaster:9999/healthz'
const activate = '--unix-socket /run/docker/plugins/netplugin.sock http://plugin/Plugin.Activate'

export type UpgradedProgram = 'netmaster' | 'netplugin'

/** Those of the other version that run, in a lab that has started ours. */
export class Upgraded {
  readonly #lab: TestLab
  readonly #paths: { readonly root: string; readonly other: string }
  readonly #running = new Map<string, ChildProcess>()

  /** The next version, or what other edits make. */
  constructor(lab: TestLab, edits?: readonly Edit[]) {
    this.#lab = lab
    this.#paths = makeVersion(join(lab.directory('node1'), 'other'), edits)
  }

  /** In the place of the one that runs, with the same words. */
  async up(host: string, program: UpgradedProgram): Promise<void> {
    const { root, other } = this.#paths
    const find = `tr '\\0' '\\n' < /proc/$(pgrep -o -f '[s]rc/cmd/${program}.ts')/cmdline`
    const words = (await this.#lab.execOk(host, find)).trim().split('\n')
    assert.ok(
      words.some((word) => word === join(root, `src/cmd/${program}.ts`)),
      words.join(' '),
    )
    await this.#lab.kill(host, program)
    const argv = words.map((word) => word.replace(join(root, 'src'), join(other, 'src')))
    const child = this.#lab.spawn(host, argv)
    child.stdout.resume()
    child.stderr.resume()
    this.#running.set(`${host} ${program}`, child)
    const ask = `curl -sf --max-time 2 ${program === 'netmaster' ? health : `-X POST ${activate}`}`
    await this.#lab.until(`${program} to answer`, async () => (await this.#lab.exec(host, ask)).code === 0 || undefined)
  }

  /** Back to the one of now. */
  async down(host: string, program: UpgradedProgram): Promise<void> {
    const child = this.#running.get(`${host} ${program}`)
    assert.ok(child?.exitCode === null, `${program} of the other version ended by itself`)
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
