// A real Consul for tests, on the loopback.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { ServerOptions } from '../../src/drivers/store/index.ts'
import { findConsul as findProgram } from '../../src/netlab/consul-program.ts'
import { freePort } from './free-port.ts'

/** The program; undefined: there is none, and `tools/setup.sh consul` could not get it. */
export function findConsul(): string | undefined {
  try {
    return findProgram(fileURLToPath(new URL('../..', import.meta.url)))
  } catch {
    return undefined
  }
}

export class ConsulServer {
  readonly endpoint: string
  readonly #directory: string
  readonly #process: ChildProcess
  #prefixes = 0

  private constructor(program: string, directory: string, ports: readonly number[]) {
    const [httpPort = 0, serf = 0, wan = 0, rpc = 0] = ports
    this.endpoint = `127.0.0.1:${httpPort}`
    this.#directory = directory
    const log = openSync(join(directory, 'log'), 'a')
    const flags = ['-server', '-bootstrap-expect=1', '-node=test', '-bind=127.0.0.1', '-client=127.0.0.1']
    const listen = [`-http-port=${httpPort}`, `-serf-lan-port=${serf}`, `-serf-wan-port=${wan}`, `-server-port=${rpc}`]
    const data = `-data-dir=${join(directory, 'data')}`
    const quick = ['-dns-port=-1', '-hcl=performance { raft_multiplier = 1 }', '-hcl=disable_update_check = true']
    this.#process = spawn(program, ['agent', ...flags, ...listen, data, ...quick], { stdio: ['ignore', log, log] })
    // However the test ends.
    process.once('exit', () => this.#process.kill('SIGKILL'))
  }

  static async start(program: string): Promise<ConsulServer> {
    const directory = mkdtempSync(join(tmpdir(), 'netplugin-consul-'))
    const ports = [await freePort(), await freePort(), await freePort(), await freePort()]
    const server = new ConsulServer(program, directory, ports)
    const until = performance.now() + 30_000
    for (;;) {
      const answer = await fetch(`http://${server.endpoint}/v1/status/leader`).then(
        (got) => got.text(),
        () => '',
      )
      if (/^"\d/.test(answer)) return server
      if (performance.now() > until) {
        const log = readFileSync(join(directory, 'log'), 'utf8').slice(-1_500)
        await server.close()
        throw new Error(`Consul does not come up:\n${log}`)
      }
      await delay(50)
    }
  }

  /** To open a store with a prefix of its own. */
  target(): ServerOptions & { readonly kind: 'consul' } {
    return { kind: 'consul', endpoints: [this.endpoint], prefix: `test-${this.#prefixes++}/` }
  }

  pause(): void {
    this.#process.kill('SIGSTOP')
  }

  resume(): void {
    this.#process.kill('SIGCONT')
  }

  async close(): Promise<void> {
    const exited = once(this.#process, 'exit')
    this.#process.kill('SIGKILL')
    await exited
    rmSync(this.#directory, { recursive: true, force: true })
  }
}
