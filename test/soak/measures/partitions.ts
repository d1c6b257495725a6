// R5: node3 is cut off from both others, and so from the store's majority, in a cluster of 1,000 endpoints of which many come and
// go meanwhile, while both sides ask for addresses. Most of the endpoints are of a host that is not there but says that it lives.

import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { createNodeClient, type NodeClient } from '../../../src/api/node-client.ts'
import { LabNetmaster } from '../../support/policy-lab.ts'
import { twice, wrongWays } from '../checks.ts'
import { type Cluster, guard, type HostName } from '../cluster.ts'
import { type Measuring, seconds } from './measuring.ts'

const endpoints = 1_000
const changedMeanwhile = 200
const rounds = 3
const far = 'far'
const bootId = 'c9a3f8de-0000-4000-8000-000000000001'

export async function partitions(measuring: Measuring): Promise<void> {
  const { lab, cluster, measured } = measuring
  const netmaster = await LabNetmaster.connect(lab)
  const host = new FarHost(createNodeClient({ baseUrl: netmaster.url, node: far, timeoutMs: 10_000 }))
  try {
    await host.begin()
    await host.make(endpoints)
    const guarded = `${guard.group}.${guard.network}`
    for (const name of ['node1', 'node3'] as const) {
      for (const network of [guard.network, guarded]) await cluster.start(name, network)
    }
    await cluster.setRule(true)
    await lab.until('the rule to be in force', () => haveConverged(cluster), 30_000)
    for (let round = 0; round < rounds; round++) {
      for (const other of ['node1', 'node2']) await lab.partition('node3', other, 'both')
      await host.remove(changedMeanwhile)
      await host.make(changedMeanwhile)
      // The one on node3 is refused.
      await Promise.all([cluster.run('node1'), cluster.run('node3')])
      measured.add('parted', (await wrongOnBothSides(measuring)).length)
      await lab.heal()
      const since = performance.now()
      await lab.until('hosts to converge', () => haveConverged(cluster), 60_000)
      measured.add('healed', seconds(since))
      measured.add('twice', twice(cluster).length + (await addressesTwice(cluster)))
    }
  } finally {
    await host.end()
    netmaster.close()
  }
}

async function wrongOnBothSides({ lab, cluster, say }: Measuring): Promise<readonly string[]> {
  const side = (hosts: readonly HostName[]) =>
    wrongWays(lab, cluster, (container) => hosts.some((each) => each === container.host))
  const wrong = [...(await side(['node1', 'node2'])), ...(await side(['node3']))]
  for (const each of wrong) say(`  while parted: ${each}`)
  return wrong
}

async function haveConverged(cluster: Cluster): Promise<true | undefined> {
  const { status, body } = await cluster.ask('GET', '/internal/v1/nodes')
  if (status !== 200) return undefined
  const nodes = (JSON.parse(body) as Node[]).filter(({ name }) => name !== far)
  const revisions = new Set(nodes.map(({ appliedRevision }) => appliedRevision))
  return (nodes.every(({ alive }) => alive) && revisions.size === 1) || undefined
}

interface Node {
  readonly name: string
  readonly alive: boolean
  readonly appliedRevision: number
}

async function addressesTwice(cluster: Cluster): Promise<number> {
  const { body } = await cluster.ask('GET', '/api/v1/endpoints/')
  const all = (JSON.parse(body) as { ipAddress: string[] }[]).map(({ ipAddress }) => ipAddress[0])
  return all.length - new Set(all).size
}

/** A host of REST requests only. */
class FarHost {
  readonly #client: NodeClient
  readonly #endpoints: string[] = []
  readonly #ended = new AbortController()
  #beating: Promise<void> | undefined

  constructor(client: NodeClient) {
    this.#client = client
  }

  async begin(): Promise<void> {
    const where = { controlAddress: '10.77.0.200', vtep: '10.78.0.200', uplinks: [], version: '0.1.0' }
    await this.#client.register({ ...where, bootId })
    this.#beating = this.#beat()
  }

  async make(count: number): Promise<void> {
    await this.#inParallel(count, async () => {
      const EndpointID = randomBytes(32).toString('hex')
      await this.#client.createEndpoint({ TenantName: 'default', NetworkName: guard.network, EndpointID, ConfigEP: {} })
      this.#endpoints.push(EndpointID)
    })
  }

  async remove(count: number): Promise<void> {
    await this.#inParallel(count, async () => {
      const EndpointID = this.#endpoints.shift()
      if (EndpointID !== undefined) await this.#client.deleteEndpoint({ EndpointID, ReleaseAddresses: true })
    })
  }

  /** Removes its endpoints; it is lost after a while. */
  async end(): Promise<void> {
    await this.remove(this.#endpoints.length)
    this.#ended.abort()
    await this.#beating
    this.#client.close()
  }

  async #inParallel(count: number, work: () => Promise<void>): Promise<void> {
    let left = count
    await Promise.all(
      Array.from({ length: 32 }, async () => {
        while (left-- > 0) await work()
      }),
    )
  }

  async #beat(): Promise<void> {
    const { signal } = this.#ended
    while (!signal.aborted) {
      const alive = { bootId, appliedRevision: 0, endpoints: this.#endpoints.length, problems: [] }
      await this.#client.heartbeat(alive, signal).catch(() => {})
      await delay(2_000, undefined, { signal }).catch(() => {})
    }
  }
}
