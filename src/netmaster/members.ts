// Which hosts have members of which multicast groups, as they say, and who is told: hosts that have endpoints of the network.
// Kept in memory only; a host that is told nothing about another one sends it everything.

import type { Writable } from 'node:stream'
import { isDeepStrictEqual } from 'node:util'
import { isWaiting } from '../core/compile/waiting.ts'
import { appendTo } from '../lib/append.ts'
import type { Problem } from '../lib/errors.ts'
import type { MembersNews } from '../model/masters.ts'
import {
  type HostMembers,
  type HostReport,
  type MembersBody,
  maxReports,
  type NetworkMulticast,
} from '../model/multicast.ts'
import { multicastOf } from '../model/network.ts'
import type { StreamMessage } from '../model/state.ts'
import type { Cluster } from './cluster.ts'
import { notFound } from './objects/object.ts'

interface Follower {
  readonly stream: Writable
  /** Networks of which it is told; once it is told of one, always. */
  readonly networks: Set<string>
  /** What it has not been told yet: hosts by network. */
  readonly untold: Map<string, Set<string>>
  isWaiting: boolean
}

export class Members {
  readonly #cluster: Pick<Cluster, 'view' | 'revision' | 'changed' | 'changesAfter'>
  /** By network and host. */
  readonly #reports = new Map<string, Map<string, HostReport>>()
  readonly #followers = new Map<string, Follower>()
  /** Hosts that told this master last, and not another one. */
  readonly #firstHand = new Set<string>()

  constructor({ cluster }: { readonly cluster: Pick<Cluster, 'view' | 'revision' | 'changed' | 'changesAfter'> }) {
    this.#cluster = cluster
  }

  /** What nodes said here and no other master has heard since, as they would say it now. */
  firstHand(): MembersNews[] {
    const news: MembersNews[] = []
    for (const node of this.#firstHand) {
      const networks = [...this.#reports].flatMap(([network, hosts]) => {
        const report = hosts.get(node)
        return report === undefined ? [] : [{ network, report }]
      })
      for (let at = 0; at === 0 || at < networks.length; at += maxReports) {
        news.push({ node, body: { first: at === 0, networks: networks.slice(at, at + maxReports) } })
      }
    }
    return news
  }

  /**
   * Takes what a node says, here or to another master; answers of how many networks. Networks that are not there (any more)
   * are left out.
   */
  report(node: string, { first, networks }: MembersBody, heard: 'here' | 'elsewhere' = 'here'): number {
    if (!this.#cluster.view.nodes.has(node)) return 0
    if (heard === 'here') this.#firstHand.add(node)
    else this.#firstHand.delete(node)
    if (first) this.#forget(node)
    let taken = 0
    for (const { network, report } of networks) {
      if (!this.#cluster.view.networks.has(network)) continue
      const hosts = this.#reports.get(network) ?? new Map<string, HostReport>()
      const before = hosts.get(node)
      if (report === null) hosts.delete(node)
      else hosts.set(node, report)
      if (hosts.size > 0) this.#reports.set(network, hosts)
      else this.#reports.delete(network)
      if (report === null || before === undefined || !saySame(before, report)) this.#owe(network, node)
      taken++
    }
    for (const follower of this.#followers.values()) this.#flush(follower)
    return taken
  }

  /** The node is told down this stream from now on, until the function that is answered is called. */
  opened(node: string, stream: Writable): () => void {
    const follower: Follower = { stream, networks: new Set(), untold: new Map(), isWaiting: false }
    this.#followers.set(node, follower)
    stream.write(line({ type: 'members-begin' }))
    for (const network of this.#reports.keys()) if (this.#meets(node, network)) this.#follow(follower, network)
    this.#flush(follower)
    return () => {
      if (this.#followers.get(node) === follower) this.#followers.delete(node)
    }
  }

  /** Tells hosts of networks in which they get endpoints, and forgets networks that go, until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    let revision = this.#cluster.revision
    while (!signal.aborted) {
      await this.#cluster.changed(signal)
      const entries = this.#cluster.changesAfter(revision)
      revision = this.#cluster.revision
      for (const { changes } of entries ?? []) {
        for (const change of changes) {
          if (change.kind === 'network' && change.value === null) this.#reports.delete(change.key)
          if (change.kind === 'node' && change.value === null) {
            this.#firstHand.delete(change.key)
            this.#forget(change.key)
          }
          if (change.kind !== 'endpoint' || change.value === null) continue
          const follower = this.#followers.get(change.value.node)
          if (follower === undefined) continue
          this.#follow(follower, `${change.value.tenantName}:${change.value.networkName}`)
          this.#flush(follower)
        }
      }
    }
  }

  /** What is known about a network. */
  describe(key: string): NetworkMulticast | Problem {
    const { view } = this.#cluster
    const record = view.networks.get(key)
    if (record === undefined) return notFound('network', key)
    const reports = this.#reports.get(key) ?? new Map<string, HostReport>()
    const multicast = multicastOf(record, view.global)
    const attached = [...view.endpointsIn(key).values()].filter((endpoint) => !isWaiting(endpoint))
    const hosts = [...new Set(attached.map(({ node }) => node))]
    const groups = new Map<string, { host: string; members: number }[]>()
    for (const [host, report] of [...reports].sort(byName)) {
      for (const { group, members } of report.groups) appendTo(groups, group, { host, members })
    }
    return {
      key,
      multicast,
      groups: [...groups].sort(byName).map(([group, members]) => ({ group, hosts: members })),
      everything: multicast === 'snoop' ? hosts.filter((host) => reports.get(host)?.everything !== false).sort() : [],
    }
  }

  #forget(node: string): void {
    for (const [network, hosts] of this.#reports) {
      if (!hosts.delete(node)) continue
      if (hosts.size === 0) this.#reports.delete(network)
      this.#owe(network, node)
    }
  }

  #meets(node: string, network: string): boolean {
    for (const endpoint of this.#cluster.view.endpointsIn(network).values()) if (endpoint.node === node) return true
    return false
  }

  /** Something changed about a host. */
  #owe(network: string, host: string): void {
    for (const [node, follower] of this.#followers) {
      if (node === host) continue
      if (!follower.networks.has(network)) {
        if (!this.#meets(node, network)) continue
        this.#follow(follower, network)
      }
      owe(follower, network, host)
    }
  }

  /** From now on it is told of the network. */
  #follow(follower: Follower, network: string): void {
    if (follower.networks.has(network)) return
    follower.networks.add(network)
    for (const host of this.#reports.get(network)?.keys() ?? []) owe(follower, network, host)
  }

  /** A follower that is behind is told the newest when it takes something again. */
  #flush(follower: Follower): void {
    const { stream, untold } = follower
    if (follower.isWaiting) return
    for (const [network, hosts] of untold) {
      for (const host of hosts) {
        if (stream.writableNeedDrain) {
          follower.isWaiting = true
          stream.once('drain', () => {
            follower.isWaiting = false
            this.#flush(follower)
          })
          return
        }
        hosts.delete(host)
        const report = this.#reports.get(network)?.get(host)
        // Each message is one write: it comes between others, never into one.
        stream.write(line({ type: 'members', network, host, members: report === undefined ? null : toldOf(report) }))
      }
      untold.delete(network)
    }
  }
}

/** Whether others are to do the same by both: how many members there are is no matter to them. */
function saySame(a: HostReport, b: HostReport): boolean {
  return isDeepStrictEqual(toldOf(a), toldOf(b))
}

function owe({ untold }: Follower, network: string, host: string): void {
  untold.set(network, (untold.get(network) ?? new Set<string>()).add(host))
}

function toldOf({ everything, groups }: HostReport): HostMembers {
  return { everything, groups: groups.map(({ group }) => group) }
}

function line(message: StreamMessage): string {
  return `${JSON.stringify(message)}\n`
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1
}
