// A Store of a networked key-value store (etcd, Consul): what both have in common.
//
// A commit whose answer is lost must not stay a riddle. Each program that writes has a key `w/<writer>` that all its commits
// write, each time another text, and expect as they left it. When it is not known whether a commit was done, the writer tries
// to write that key by itself: if it can, the commit was not done and never will be; if not, the key says that it was, and its
// revision is the commit's.

import { randomUUID } from 'node:crypto'
import type { Clock } from '../../lib/clock.ts'
import { asNetpluginError, NetpluginError } from '../../lib/errors.ts'
import type { Log } from '../../lib/log.ts'
import type { Kv, KvCondition } from './kv.ts'
import { applyJournal, decideLarge, holds, type LargeCommit } from './kv-journal.ts'
import { type KvKeys, parseText } from './kv-keys.ts'
import { KvLease } from './kv-lease.ts'
import { findEpoch, forgetWriters } from './kv-opening.ts'
import { fits, transactionOf } from './kv-transaction.ts'
import { watchCommits } from './kv-watch.ts'
import type {
  Commit,
  CommitResult,
  Lease,
  Store,
  StoreCommit,
  StoreEntry,
  StoreOptions,
  StoreSnapshot,
  StoreValue,
} from './store.ts'

export interface KvStoreDeps {
  readonly kv: Kv
  readonly keys: KvKeys
  readonly clock: Clock
  readonly log: Log
  readonly newEpoch: () => string
}

/** Tries of one commit while others are in the way. */
const maxTries = 50
/** How long it is tried to find out what became of a commit. */
const settleMs = 10_000

export class KvStore implements Store {
  readonly #options: StoreOptions
  readonly #deps: KvStoreDeps
  readonly #epoch: string
  readonly #writer = randomUUID()
  readonly #leases = new Set<Lease>()
  readonly #closing = new AbortController()
  /** Where the writer's key is; 0: not written yet. */
  #fence = 0
  #number = 0
  #fences = 0
  /** A commit of which it is not known whether it was done. */
  #unsettled = false
  #queue: Promise<unknown> = Promise.resolve()
  #recent: { readonly revision: number; readonly changes: number }[] = []
  #recentChanges = 0

  private constructor(options: StoreOptions, deps: KvStoreDeps, epoch: string) {
    this.#options = options
    this.#deps = deps
    this.#epoch = epoch
  }

  /** Finds or makes the store below the prefix. Closes `kv` when it throws. */
  static async open(options: StoreOptions, deps: KvStoreDeps): Promise<KvStore> {
    try {
      const epoch = await findEpoch(deps)
      await forgetWriters(deps)
      return new KvStore(options, deps, epoch)
    } catch (error) {
      await deps.kv.close()
      throw error
    }
  }

  async snapshot(): Promise<StoreSnapshot> {
    this.#check()
    const { kv, keys } = this.#deps
    for (;;) {
      const all = await kv.read(keys.prefix)
      const journal = all.find(({ key, value }) => key === keys.journal && value.includes('"decided"'))
      if (journal !== undefined) {
        await applyJournal(kv, keys)
        continue
      }
      const entries = all
        .filter(({ key }) => key.startsWith(keys.data))
        .map(({ key, value, revision }) => ({
          key: key.slice(keys.data.length),
          value: parseText(key, value) as StoreValue,
          revision,
        }))
        .sort((a, b) => (a.key < b.key ? -1 : 1))
      const revision = all.find(({ key }) => key === keys.head)?.revision
      if (revision === undefined) throw lostHead(keys)
      return { revision, epoch: this.#epoch, entries }
    }
  }

  async get(name: string): Promise<StoreEntry | undefined> {
    this.#check()
    const { kv, keys } = this.#deps
    const [found] = await kv.get([keys.of(name)])
    if (found === undefined) return undefined
    return { key: name, value: parseText(found.key, found.value) as StoreValue, revision: found.revision }
  }

  /** One after another: what becomes of one must be known before the next. */
  commit(commit: Commit): Promise<CommitResult> {
    if (this.#closing.signal.aborted) return Promise.reject(closed())
    const result = this.#queue.then(() => this.#commit(commit))
    this.#queue = result.catch(() => {})
    return result
  }

  watch(fromRevision: number, signal: AbortSignal): AsyncIterable<StoreCommit> {
    this.#check()
    const { kv, keys, clock, log } = this.#deps
    return watchCommits(fromRevision, { kv, keys, clock, log }, AbortSignal.any([signal, this.#closing.signal]))
  }

  async lease(ttlMs: number): Promise<Lease> {
    this.#check()
    const { kv, clock } = this.#deps
    const lease = await KvLease.grant(ttlMs, { kv, clock, over: (ended) => this.#leases.delete(ended) })
    this.#leases.add(lease)
    return lease
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return
    this.#closing.abort()
    await this.#queue
    await Promise.all([...this.#leases].map((lease) => lease.end()))
    await this.#removeWriter()
    await this.#deps.kv.close()
  }

  async #commit(commit: Commit): Promise<CommitResult> {
    const { keys, clock } = this.#deps
    const { conditions, writes } = transactionOf(commit, keys)
    for (let tries = 0; tries < maxTries; tries++) {
      if (this.#unsettled) await this.#settle(undefined)
      const number = ++this.#number
      const own = { conditions, writes, writer: this.#writer, commit: number, fence: this.#fenceCondition() }
      let outcome: number | string | undefined
      try {
        outcome = fits(own, this.#deps.kv.limits) ? await this.#small(own) : await this.#large(own)
      } catch (error) {
        const cause = asNetpluginError(error)
        // Of a large one some steps may have been sent before.
        const sent = cause.details.sent !== false || !fits(own, this.#deps.kv.limits)
        if (!uncertain(cause) || !sent) throw cause
        outcome = await this.#settle({ number, cause })
      }
      if (typeof outcome === 'string') return { ok: false, conflict: outcome }
      if (outcome !== undefined) {
        this.#account(outcome, writes.length)
        return { ok: true, revision: outcome }
      }
      if (tries > 2) await clock.after(20 * tries * Math.random())
    }
    const message = 'too many others write to the store at the same time; try again'
    throw new NetpluginError('unavailable', 'TOO_MANY_CONFLICTS', message)
  }

  /** The revision, the key in conflict, or undefined: try again. */
  async #small({ conditions, writes, commit, fence }: LargeCommit): Promise<number | string | undefined> {
    const { kv, keys } = this.#deps
    const result = await kv.transact({
      conditions: [{ key: keys.journal, is: 'absent' }, fence, ...conditions],
      writes: [
        ...writes,
        { key: keys.head, value: `${this.#writer} ${commit}` },
        { key: keys.writer(this.#writer), value: JSON.stringify({ commit, at: this.#deps.clock.now() }) },
      ],
    })
    if (!result.ok) return this.#whyNot(conditions)
    this.#fence = result.revision
    return result.revision
  }

  async #large(large: LargeCommit): Promise<number | string | undefined> {
    const { kv, keys, clock } = this.#deps
    const result = await decideLarge(large, { kv, keys, clock })
    if (result.state === 'refused') return result.conflict?.slice(keys.data.length) ?? this.#whyNot([])
    // It is done, if not yet in force. Should the store go away now, anybody's next step finishes it.
    await applyJournal(kv, keys)
    return this.#ownRevision(large.commit)
  }

  /** Looks for what was in the way: the key in conflict, or undefined when it can be tried again. */
  async #whyNot(conditions: readonly KvCondition[]): Promise<string | undefined> {
    const { kv, keys } = this.#deps
    const own = keys.writer(this.#writer)
    const found = new Map<string, number>()
    for (const { key, revision } of await kv.get([keys.journal, own])) found.set(key, revision)
    this.#fence = found.get(own) ?? 0
    // Somebody's large commit: help it on. One that is not decided yet is waited for.
    if (found.has(keys.journal)) {
      await applyJournal(kv, keys)
      await this.#deps.clock.after(20)
    }
    for (let at = 0; at < conditions.length; at += 100) {
      const some = conditions.slice(at, at + 100)
      for (const { key, revision } of await kv.get(some.map(({ key }) => key))) found.set(key, revision)
      const conflict = some.find((condition) => !holds(condition, found.get(condition.key)))
      if (conflict !== undefined) return conflict.key.slice(keys.data.length)
    }
    return undefined
  }

  /** Finds out what became of a commit, and makes sure of it; its revision when it was done. Throws STORE_UNCERTAIN. */
  async #settle(
    about: { readonly number: number; readonly cause: NetpluginError } | undefined,
  ): Promise<number | undefined> {
    const { kv, keys, clock } = this.#deps
    this.#unsettled = true
    const until = clock.now() + settleMs
    let last = about?.cause
    do {
      try {
        await applyJournal(kv, keys)
        const key = keys.writer(this.#writer)
        const value = JSON.stringify({ fence: ++this.#fences, at: clock.now() })
        const result = await kv.transact({ conditions: [this.#fenceCondition()], writes: [{ key, value }] })
        if (result.ok) {
          this.#fence = result.revision
          this.#unsettled = false
          return undefined
        }
        // It was done after all; if it was a large one, only now.
        await applyJournal(kv, keys)
        const revision = await this.#ownRevision(about?.number)
        this.#unsettled = false
        return revision
      } catch (error) {
        last = asNetpluginError(error)
        if (!uncertain(last)) break
      }
      await clock.after(200)
    } while (clock.now() < until && !this.#closing.signal.aborted)
    const why = last?.message ?? 'the store did not answer'
    const message = `it is not known whether the store has done it: ${why}; look before you try again`
    throw new NetpluginError('unavailable', 'STORE_UNCERTAIN', message, { cause: last })
  }

  /** Reads the writer's key: its revision when this commit wrote it. */
  async #ownRevision(number: number | undefined): Promise<number | undefined> {
    const { kv, keys } = this.#deps
    const key = keys.writer(this.#writer)
    const [own] = await kv.get([key])
    this.#fence = own?.revision ?? 0
    if (own === undefined || number === undefined) return undefined
    const said = parseText(key, own.value)
    return typeof said === 'object' && said !== null && 'commit' in said && said.commit === number
      ? own.revision
      : undefined
  }

  #fenceCondition(): KvCondition {
    const key = this.#deps.keys.writer(this.#writer)
    return this.#fence === 0 ? { key, is: 'absent' } : { key, is: 'at', revision: this.#fence }
  }

  /** Lets the store forget what lies far enough back. */
  #account(revision: number, changes: number): void {
    const { historyLimit } = this.#options
    this.#recent.push({ revision, changes })
    this.#recentChanges += changes
    if (this.#recentChanges <= historyLimit * 1.25) return
    let drop = 0
    let edge = 0
    while (this.#recentChanges > historyLimit && drop < this.#recent.length - 1) {
      const oldest = this.#recent[drop++]
      this.#recentChanges -= oldest?.changes ?? 0
      edge = oldest?.revision ?? edge
    }
    this.#recent = this.#recent.slice(drop)
    if (edge === 0) return
    const { kv, log } = this.#deps
    kv.compact(edge).catch((error: unknown) =>
      log.debug('the store was not compacted', { error: asNetpluginError(error).message }),
    )
  }

  async #removeWriter(): Promise<void> {
    if (this.#fence === 0 || this.#unsettled) return
    const { kv, keys } = this.#deps
    const write = { key: keys.writer(this.#writer), value: null }
    await kv.transact({ conditions: [this.#fenceCondition()], writes: [write] }).catch(() => {})
  }

  #check(): void {
    if (this.#closing.signal.aborted) throw closed()
  }
}

function uncertain({ kind }: NetpluginError): boolean {
  return kind === 'unavailable' || kind === 'timeout' || kind === 'protocol' || kind === 'internal'
}

function closed(): NetpluginError {
  return new NetpluginError('unavailable', 'STORE_CLOSED', 'the store is closed')
}

function lostHead(keys: KvKeys): NetpluginError {
  const message = `the store has lost ${keys.head} while it was in use; was it emptied by hand? Start netmaster again`
  return new NetpluginError('unavailable', 'STORE_DAMAGED', message)
}
