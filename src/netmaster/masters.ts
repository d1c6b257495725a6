// The masters on one store: each registers itself under a lease, and one of them holds the lock for work in the background.
// Keys are those of the original (specification 6.1); the lock alone is not trusted: see `fence`.

import type { Store, StoreValue } from '../drivers/store/store.ts'
import { Backoff } from '../lib/backoff.ts'
import type { Clock } from '../lib/clock.ts'
import { asNetpluginError, NetpluginError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { HandOverAnswer } from '../model/masters.ts'
import type { Cluster } from './cluster.ts'
import type { Fence } from './decision.ts'

export interface MasterRecord {
  /** Another one each time a netmaster is started. */
  readonly instance: string
  /** Where others reach it, `host:port`. */
  readonly address: string
}

interface Deps {
  readonly store: Store
  readonly cluster: Cluster
  readonly clock: Clock
  readonly log: Log
}

const services = 'service/netmaster/'
export const leaderKey = 'lock/netmaster/leader'

/** A master that is not heard of for so long is gone. */
const leaseMs = 5_000
/** How often to look although the store told nothing. */
const lookMs = 1_000
/** One that gave up leading leaves that to others for so long. */
const restMs = 3_000

export class Masters {
  readonly #instance: string
  readonly #deps: Deps
  #self: MasterRecord
  #fence: Fence | undefined
  /** On the clock: does not lead before. */
  #restUntil = 0

  constructor({ instance }: Pick<MasterRecord, 'instance'>, deps: Deps) {
    this.#instance = instance
    this.#self = { instance, address: '' }
    this.#deps = deps
  }

  /** Who is there, by address; this one, too. */
  list(): MasterRecord[] {
    const found = new Map<string, MasterRecord>()
    if (this.#self.address !== '') found.set(this.#self.address, this.#self)
    for (const [key, { value }] of this.#deps.cluster.others) {
      const record = key.startsWith(services) ? readRecord(value) : undefined
      if (record !== undefined && record.address !== this.#self.address) found.set(record.address, record)
    }
    return [...found.values()].sort((a, b) => (a.address < b.address ? -1 : 1))
  }

  /** The others. */
  peers(): MasterRecord[] {
    return this.list().filter(({ instance }) => instance !== this.#instance)
  }

  get leader(): MasterRecord | undefined {
    const held = this.#deps.cluster.others.get(leaderKey)
    return held && readRecord(held.value)
  }

  /** What a commit of work in the background has to expect; undefined: that is another master's work. */
  get fence(): Fence | undefined {
    return this.#fence
  }

  /**
   * Gives up leading, at once, and waits until another master does. Throws `conflict` NOT_THE_LEADER, NO_OTHER_MASTER, and `timeout`
   * NO_SUCCESSOR when none of the others takes over: then this one leads again.
   */
  async resign(signal: AbortSignal): Promise<HandOverAnswer> {
    const { store, cluster, clock, log } = this.#deps
    const fence = this.#fence
    const from = this.#self.address
    if (fence === undefined) throw notTheLeader(from, this.leader?.address)
    if (this.peers().length === 0) throw noOtherMaster()
    this.#restUntil = clock.now() + restMs
    this.#fence = undefined
    const given = await store.commit({ expect: [fence], put: [], delete: [leaderKey] })
    if (!given.ok) throw notTheLeader(from, this.leader?.address)
    log.info('gave up leading', { address: from })
    while (clock.now() < this.#restUntil) {
      const next = this.leader
      if (next !== undefined && next.instance !== this.#instance) {
        // So that it can take over at once from that one.
        this.#restUntil = 0
        return { from, to: next.address }
      }
      await cluster.othersChanged.waitAtMost(lookMs, { clock }, signal)
      signal.throwIfAborted()
    }
    const others = this.peers().map(({ address }) => address)
    const message = `none of the other netmasters (${others.join(', ')}) took over within ${restMs / 1_000} s, and ${from} goes on; look at their logs`
    throw new NetpluginError('timeout', 'NO_SUCCESSOR', message)
  }

  /** Registers under an address, and leads when nobody does, until the signal aborts; then others know at once. */
  async run(address: string, signal: AbortSignal): Promise<void> {
    this.#self = { instance: this.#instance, address }
    const { store, clock, log } = this.#deps
    const backoff = new Backoff({ firstMs: 100, maxMs: 2_000, random: () => 1 })
    let lastReason = ''
    while (!signal.aborted) {
      try {
        const lease = await store.lease(leaseMs)
        try {
          backoff.reset()
          lastReason = ''
          await this.#live(lease.id, AbortSignal.any([signal, lease.lost]))
        } finally {
          this.#fence = undefined
          await lease.end()
        }
      } catch (error) {
        if (signal.aborted) return
        const { code, message } = asNetpluginError(error)
        if (message !== lastReason) log.warn('not registered in the store, will try again', { code, reason: message })
        lastReason = message
      }
      await clock.after(backoff.next(), signal).catch(() => {})
    }
  }

  async #live(lease: string, over: AbortSignal): Promise<void> {
    const { store, cluster, clock } = this.#deps
    const value: StoreValue = { ...this.#self }
    const key = `${services}${this.#self.address}`
    const registered = await store.commit({ expect: [], put: [{ key, value, lease }], delete: [] })
    if (registered.ok) cluster.note({ key, value, revision: registered.revision })
    while (!over.aborted) {
      await this.#lead(value, lease)
      await cluster.othersChanged.waitAtMost(lookMs, { clock }, over)
    }
  }

  async #lead(value: StoreValue, lease: string): Promise<void> {
    const { store, cluster, clock, log } = this.#deps
    const held = cluster.others.get(leaderKey)
    if (held !== undefined) {
      if (readRecord(held.value)?.instance === this.#instance) return
      if (this.#fence !== undefined) log.warn('another master leads now', { leader: this.leader?.address ?? '' })
      this.#fence = undefined
      return
    }
    this.#fence = undefined
    if (clock.now() < this.#restUntil) return
    const expect = [{ key: leaderKey, revision: 0 }]
    const won = await store.commit({ expect, put: [{ key: leaderKey, value, lease }], delete: [] })
    if (!won.ok) return
    cluster.note({ key: leaderKey, value, revision: won.revision })
    this.#fence = { key: leaderKey, revision: won.revision }
    log.info('leads the work in the background', { address: this.#self.address })
  }
}

function notTheLeader(address: string, leader = 'none'): NetpluginError {
  const message = `${address} does not lead the work in the background (${leader} does); try again`
  return new NetpluginError('conflict', 'NOT_THE_LEADER', message)
}

export function noOtherMaster(): NetpluginError {
  const message = 'there is no other netmaster that could take over; start one on the same store first'
  return new NetpluginError('conflict', 'NO_OTHER_MASTER', message)
}

/** Undefined for what this version does not understand. */
function readRecord(value: StoreValue): MasterRecord | undefined {
  if (typeof value !== 'object' || !('instance' in value && 'address' in value)) return undefined
  return { instance: String(value.instance), address: String(value.address) }
}
