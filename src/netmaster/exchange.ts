// Passes on to the other masters what nodes told this one, so that each knows of all nodes: a node talks to one master only.
// Softly: a master that appears is told everything, one that did not answer is told everything again.

import { masterRoutes } from '../api/routes/masters.ts'
import type { Transport } from '../api/transport.ts'
import { Backoff } from '../lib/backoff.ts'
import type { Clock } from '../lib/clock.ts'
import { asNetpluginError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { Tasks } from '../lib/tasks.ts'
import { Wakeup } from '../lib/wakeup.ts'
import type { Count, Counted } from '../model/counts.ts'
import { type HandOverAnswer, type MembersNews, maxNews, type NewsBody, type PresenceNews } from '../model/masters.ts'
import type { MasterRecord } from './masters.ts'

/** What is known here at first hand. */
export interface FirstHand {
  /** Of one node, as it is when it is told; undefined: another master knows better by now. */
  readonly presence: (node: string) => PresenceNews | undefined
  readonly nodes: () => readonly string[]
  readonly members: () => readonly MembersNews[]
}

interface Deps {
  /** The other masters. */
  readonly peers: () => readonly MasterRecord[]
  /** They may be others now. */
  readonly changed: Wakeup
  readonly connect: (address: string) => Pick<Transport, 'call' | 'close'>
  readonly firstHand: FirstHand
  readonly clock: Clock
  readonly log: Log
}

interface Peer {
  readonly record: MasterRecord
  readonly transport: Pick<Transport, 'call' | 'close'>
  readonly gone: AbortController
  readonly wakeup: Wakeup
  /** Nodes of whose life it has to be told. */
  readonly nodes: Set<string>
  members: MembersNews[]
}

/** How often to look for other masters although the store told nothing. */
const lookMs = 1_000
/** Reports of members in one body: they may be long. */
const membersAtOnce = 4

export class Exchange {
  readonly #deps: Deps
  readonly #peers = new Map<string, Peer>()
  readonly #tasks: Tasks

  constructor(deps: Deps) {
    this.#deps = deps
    this.#tasks = new Tasks({ log: deps.log })
  }

  /** A node was heard. */
  heard(node: string): void {
    for (const { nodes, wakeup } of this.#peers.values()) {
      nodes.add(node)
      wakeup.wake()
    }
  }

  membersReported(news: MembersNews): void {
    for (const { members, wakeup } of this.#peers.values()) {
      members.push(news)
      wakeup.wake()
    }
  }

  /** What nodes that follow other masters have counted; without those that did not answer. */
  async ask(about: Counted, key: string, nodes: readonly string[]): Promise<ReadonlyMap<string, readonly Count[]>> {
    const found = new Map<string, readonly Count[]>()
    const ask = async ({ transport, record }: Peer) => {
      try {
        const body = { about, key, nodes: [...nodes] }
        for (const { node, counts } of await transport.call(masterRoutes.counts, {}, body)) found.set(node, counts)
      } catch (error) {
        this.#deps.log.debug('master not asked', { master: record.address, reason: asNetpluginError(error).message })
      }
    }
    if (nodes.length > 0) await Promise.all([...this.#peers.values()].map(ask))
    return found
  }

  /** Has the leader hand over; undefined: that is not another master, as far as is known here. Throws what it refuses with. */
  askLeader(leader: MasterRecord | undefined): Promise<HandOverAnswer> | undefined {
    const peer = leader && this.#peers.get(leader.instance)
    return peer?.transport.call(masterRoutes.resign, {}, undefined)
  }

  async run(signal: AbortSignal): Promise<void> {
    const { changed, clock } = this.#deps
    while (!signal.aborted) {
      this.#meet()
      await changed.waitAtMost(lookMs, { clock }, signal)
    }
    for (const { gone } of this.#peers.values()) gone.abort()
    await this.#tasks.settled()
  }

  #meet(): void {
    const { connect, peers, log } = this.#deps
    const there = new Map(peers().map((record) => [record.instance, record]))
    for (const [instance, { gone }] of [...this.#peers]) {
      if (there.has(instance)) continue
      gone.abort()
      this.#peers.delete(instance)
    }
    for (const [instance, record] of there) {
      if (this.#peers.has(instance)) continue
      const peer: Peer = {
        record,
        transport: connect(record.address),
        gone: new AbortController(),
        wakeup: new Wakeup(),
        nodes: new Set(),
        members: [],
      }
      this.#peers.set(instance, peer)
      log.info('another master', { address: record.address })
      this.#tasks.spawn(`news for ${record.address}`, () => this.#keepTelling(peer))
    }
  }

  async #keepTelling(peer: Peer): Promise<void> {
    const { clock, log } = this.#deps
    const { gone, transport, wakeup, record } = peer
    const backoff = new Backoff({ firstMs: 50, maxMs: 1_000, random: () => 1 })
    this.#oweEverything(peer)
    while (!gone.signal.aborted) {
      const body = this.#next(peer)
      if (body === undefined) {
        await wakeup.wait(gone.signal)
        continue
      }
      try {
        await transport.call(masterRoutes.news, {}, body, gone.signal)
        backoff.reset()
      } catch (error) {
        if (gone.signal.aborted) break
        log.debug('master not told', { master: record.address, reason: asNetpluginError(error).message })
        // Whether it was taken is not known.
        await clock.after(backoff.next(), gone.signal).catch(() => {})
        this.#oweEverything(peer)
      }
    }
    transport.close()
  }

  #oweEverything(peer: Peer): void {
    const { nodes, members } = this.#deps.firstHand
    for (const node of nodes()) peer.nodes.add(node)
    peer.members = [...members()]
  }

  #next({ nodes, members }: Peer): NewsBody | undefined {
    const presence: PresenceNews[] = []
    for (const node of nodes) {
      if (presence.length === maxNews) break
      nodes.delete(node)
      const news = this.#deps.firstHand.presence(node)
      if (news !== undefined) presence.push(news)
    }
    const reports = members.splice(0, membersAtOnce)
    return presence.length + reports.length === 0 ? undefined : { presence, members: reports }
  }
}
