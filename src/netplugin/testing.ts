// What the tests of the agent share: a small cluster, messages of netmaster's stream, waiting for facts.

import assert from 'node:assert/strict'
import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { clusterState, type Intent } from '../../test/support/cluster.ts'
import type { FakeClock } from '../lib/fake-clock.ts'
import type { Fields, Log, LogLevel } from '../lib/log.ts'
import { Wakeup } from '../lib/wakeup.ts'
import { listRecords } from '../model/record-list.ts'
import type { ClusterState, StreamMessage } from '../model/state.ts'
import type { NodeConfig } from './config.ts'

export const smallCluster: Intent = {
  tenants: ['default', 'blue'],
  networks: [
    {
      key: 'default:net',
      encap: { kind: 'vxlan', vni: 100 },
      subnet: '10.1.0.0/16',
      gateway: '10.1.255.254',
      ipv6Subnet: 'fd00::/64',
      ipv6Gateway: 'fd00::1',
    },
    { key: 'default:isle', encap: { kind: 'vxlan', vni: 101 }, subnet: '10.2.0.0/16' },
    { key: 'blue:net', encap: { kind: 'vlan', vlan: 7 }, subnet: '10.3.0.5-10.3.0.9/24', gateway: '10.3.0.1' },
  ],
  endpoints: [
    { id: 'web', network: 'default:net', node: 'node1', ipv4: '10.1.0.1' },
    { id: 'db', network: 'default:net', node: 'node2', ipv4: '10.1.0.2' },
  ],
  nodes: [
    { node: 'node1', vtep: '10.0.0.1' },
    { node: 'node2', vtep: '10.0.0.2' },
  ],
}

export const small = (more: Partial<ClusterState> = {}): ClusterState => ({ ...clusterState(smallCluster), ...more })

/** The state with these endpoints alone. */
export function withEndpoints(state: ClusterState, ...endpoints: Intent['endpoints']): ClusterState {
  const { endpoints: records } = clusterState({ ...smallCluster, endpoints })
  return { ...state, revision: state.revision + 1, endpoints: records }
}

/** A snapshot in three parts, as netmaster sends it. */
export function snapshot(state: ClusterState, epoch = 'e1'): StreamMessage[] {
  const { revision } = state
  return [
    { type: 'begin', version: 1, epoch, revision },
    { type: 'records', changes: listRecords(state) },
    { type: 'end', revision },
  ]
}

export function nodeConfig(dir: string, more: Partial<NodeConfig> = {}): NodeConfig {
  return {
    node: 'node1',
    controlAddress: '10.9.0.1',
    vtep: '10.0.0.1',
    uplinks: [],
    netmaster: 'http://netmaster:9999',
    vxlanPort: 4789,
    portReserve: 0,
    stateDir: join(dir, 'state'),
    pluginSocket: join(dir, 'plugin.sock'),
    pluginName: 'netplugin',
    cniSocket: join(dir, 'cni.sock'),
    dockerSocket: join(dir, 'docker.sock'),
    ovsRunDir: dir,
    resolvConf: join(dir, 'resolv.conf'),
    namesSocket: join(dir, 'names.sock'),
    dnsRate: 0,
    outsideSubnet: '198.18.0.0/16',
    version: '1.2.3',
    ...more,
  }
}

/** A directory that goes with the test. */
export function scratch(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'netplugin-test-'))
  // A file may be on its way to the disk still.
  t.after(() => rm(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 }))
  return dir
}

/** Something that runs until the test ends; the test waits for its end. */
export function background(t: TestContext, run: (signal: AbortSignal) => Promise<void>): { stop(): Promise<void> } {
  const stop = new AbortController()
  const running = run(stop.signal)
  running.catch(() => {})
  const end = async () => {
    stop.abort()
    await running
  }
  t.after(end)
  return { stop: end }
}

/** Waits until the fact holds; fails after 10 s. */
export async function until(what: string, fact: () => boolean): Promise<void> {
  await stepUntil(what, fact, () => {})
}

/** Waits until the fact holds, while the clock goes on by `stepMs` again and again. */
export async function untilTime(what: string, clock: FakeClock, stepMs: number, fact: () => boolean): Promise<void> {
  await stepUntil(what, fact, () => clock.advance(stepMs))
}

async function stepUntil(what: string, fact: () => boolean, step: () => void): Promise<void> {
  const deadline = Date.now() + 10_000
  while (!fact()) {
    assert.ok(Date.now() < deadline, `not within 10 s: ${what}`)
    step()
    await turn()
  }
}

/** Lets everything that is ready to run do so. */
export async function settle(): Promise<void> {
  for (let count = 0; count < 20; count++) await turn()
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

export interface Line {
  readonly level: LogLevel
  readonly phrase: string
  readonly fields: Fields
}

/** A log that a test can read. */
export function recordingLog(): {
  readonly log: Log
  readonly lines: Line[]
  readonly said: (phrase: RegExp) => boolean
} {
  const lines: Line[] = []
  const add =
    (level: LogLevel) =>
    (phrase: string, fields: Fields = {}) =>
      void lines.push({ level, phrase, fields })
  const log: Log = {
    debug: add('debug'),
    info: add('info'),
    warn: add('warn'),
    error: add('error'),
    with: () => log,
  }
  return { log, lines, said: (phrase) => lines.some((line) => phrase.test(line.phrase)) }
}

/** Half of what can be random is enough for tests. */
export const random = () => 0.5

/** A gate at which callers wait until it opens. */
export class Gate {
  readonly #wakeup = new Wakeup()
  #open = false

  open(): void {
    this.#open = true
    this.#wakeup.wake()
  }

  async pass(): Promise<void> {
    if (!this.#open) await this.#wakeup.wait(AbortSignal.timeout(10_000))
  }
}
