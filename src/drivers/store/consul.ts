// Consul as a `Kv`, over its HTTP API (https://developer.hashicorp.com/consul/api-docs/kv, /txn, /session).
//
// A transaction takes 64 operations and half a MiB. Conditions name exact indexes there, so that "not after" is read first and
// then expected as found. There is no history: one blocking query follows the whole prefix, and what it finds different is kept
// for watchers. Several transactions may be found at once.

import type { Clock } from '../../lib/clock.ts'
import { asError, asNetpluginError } from '../../lib/errors.ts'
import { Wakeup } from '../../lib/wakeup.ts'
import type { ConsulClient } from './consul-client.ts'
import type { Kv, KvChange, KvCommit, KvCondition, KvEntry, KvLimits, KvResult, KvTransaction, KvWrite } from './kv.ts'
import { holds } from './kv-journal.ts'
import { leaseLost } from './local-leases.ts'
import { compacted } from './memory-data.ts'

const limits: KvLimits = { conditions: 60, writes: 60, operations: 62, bytes: 250_000 }
/** Keys read one by one; for more the whole prefix is read. */
const oneByOne = 12
/** Consul's shortest. It ends a session up to twice as long after it was last heard of. */
const shortestTtlMs = 10_000
const queryWaitMs = 30_000
const pauseMs = 200

interface Deps {
  readonly clock: Clock
}

/** As Consul shows an entry. */
interface Row {
  readonly Key: string
  /** base64; null: empty. */
  readonly Value: string | null
  readonly ModifyIndex: number
  readonly Session?: string
}

type Operation = { readonly KV: Readonly<Record<string, string | number>> }

export class ConsulKv implements Kv {
  readonly limits = limits
  readonly #prefix: string
  readonly #client: ConsulClient
  readonly #historyLimit: number
  readonly #clock: Clock
  readonly #closing = new AbortController()
  readonly #wakeup = new Wakeup()
  /** Keys that this program wrote with a session: writing one without ends the session's hold. */
  readonly #sessionOf = new Map<string, string>()
  #followed: Promise<void> | undefined
  #isFollowing = false
  /** What was before is not known. */
  #start = 0
  /** Another one when indexes begin anew. */
  #life = 0
  #reached = 0
  #history: KvCommit[] = []
  #known = new Map<string, number>()

  /** `prefix`: below which everything is followed; without a slash at its beginning, as Consul has it. */
  constructor(
    options: { readonly prefix: string; readonly historyLimit: number },
    client: ConsulClient,
    { clock }: Deps,
  ) {
    this.#prefix = options.prefix
    this.#historyLimit = options.historyLimit
    this.#client = client
    this.#clock = clock
  }

  async identity(): Promise<string> {
    // It has no name of its own life; from here on changes are remembered.
    await this.#follow()
    return ''
  }

  async read(prefix: string): Promise<readonly KvEntry[]> {
    const { rows } = await this.#list(prefix, {})
    return rows.map(entryOf)
  }

  async get(keys: readonly string[]): Promise<readonly KvEntry[]> {
    if (keys.length > oneByOne) {
      const wanted = new Set(keys)
      return (await this.read(this.#prefix)).filter(({ key }) => wanted.has(key))
    }
    const found = await Promise.all(
      keys.map((key) => this.#client.ask<Row[]>('GET', `kv/${path(key)}`, { query: { consistent: '' }, missing: [] })),
    )
    return found.flatMap(({ body }) => body.map(entryOf))
  }

  async transact({ conditions, writes }: KvTransaction): Promise<KvResult> {
    const exact = await this.#exact(conditions)
    if (exact === undefined) return { ok: false }
    const operations = [...exact, ...writes.map((write) => this.#operation(write))]
    const { status, body } = await this.#client.once<TxnAnswer>('PUT', 'txn', operations)
    if (status === 409) {
      const errors = (body.Errors ?? []).map(({ What }) => What ?? '')
      if (errors.some((what) => /invalid session/i.test(what))) throw leaseLost(errors.join('; '))
      // Perhaps a session is no longer what it was when the key was written.
      for (const { key } of writes) this.#sessionOf.delete(key)
      return { ok: false }
    }
    for (const { key, lease } of writes) {
      if (lease === undefined) this.#sessionOf.delete(key)
      else this.#sessionOf.set(key, lease)
    }
    const revision = Math.max(0, ...(body.Results ?? []).map(({ KV }) => KV?.ModifyIndex ?? 0))
    return { ok: true, revision }
  }

  async *watch(prefix: string, from: number, signal: AbortSignal): AsyncIterable<KvCommit> {
    await this.#follow()
    const life = this.#life
    let at = from
    while (!signal.aborted && !this.#closing.signal.aborted) {
      if (at < this.#start || life !== this.#life) throw compacted(at, this.#start)
      const next = this.#history.find(({ revision }) => revision > at)
      if (next === undefined) await this.#wakeup.wait(AbortSignal.any([signal, this.#closing.signal]))
      else {
        at = next.revision
        yield { revision: at, changes: next.changes.filter(({ key }) => key.startsWith(prefix)) }
      }
    }
  }

  async grant(ttlMs: number): Promise<{ readonly id: string; readonly ttlMs: number }> {
    const ttl = Math.max(shortestTtlMs, Math.ceil(ttlMs / 1_000) * 1_000)
    const session = { Name: 'netplugin', TTL: `${ttl / 1_000}s`, Behavior: 'delete', LockDelay: '0s' }
    const { body } = await this.#client.ask<{ ID: string }>('PUT', 'session/create', { body: session })
    return { id: body.ID, ttlMs: ttl }
  }

  async keepAlive(id: string): Promise<boolean> {
    const { status } = await this.#client.ask<unknown>('PUT', `session/renew/${path(id)}`, { missing: undefined })
    return status === 200
  }

  async revoke(id: string): Promise<void> {
    await this.#client.ask<unknown>('PUT', `session/destroy/${path(id)}`, {})
  }

  /** Nothing is kept but in memory. */
  async compact(): Promise<void> {}

  async close(): Promise<void> {
    this.#closing.abort()
    this.#wakeup.wake()
    this.#client.close()
  }

  /** Conditions with the indexes that Consul wants; undefined when one does not hold already. */
  async #exact(conditions: readonly KvCondition[]): Promise<Operation[] | undefined> {
    const vague = conditions.filter(({ is }) => is === 'until').map(({ key }) => key)
    const found = new Map((await this.get(vague)).map(({ key, revision }) => [key, revision]))
    const operations: Operation[] = []
    for (const condition of conditions) {
      const { key: Key } = condition
      if (condition.is === 'absent') operations.push({ KV: { Verb: 'check-not-exists', Key } })
      else if (condition.is === 'at') operations.push({ KV: { Verb: 'check-index', Key, Index: condition.revision } })
      else {
        const revision = found.get(Key)
        if (revision === undefined || !holds(condition, revision)) return undefined
        operations.push({ KV: { Verb: 'check-index', Key, Index: revision } })
      }
    }
    return operations
  }

  #operation({ key: Key, value, lease }: KvWrite): Operation {
    if (value === null) return { KV: { Verb: 'delete', Key } }
    const Value = Buffer.from(value).toString('base64')
    if (lease !== undefined) return { KV: { Verb: 'lock', Key, Value, Session: lease } }
    const held = this.#sessionOf.get(Key)
    return held === undefined
      ? { KV: { Verb: 'set', Key, Value } }
      : { KV: { Verb: 'unlock', Key, Value, Session: held } }
  }

  async #list(
    prefix: string,
    query: Readonly<Record<string, string>>,
    signal?: AbortSignal,
  ): Promise<{ readonly rows: readonly Row[]; readonly index: number }> {
    const options = { query: { recurse: '', consistent: '', ...query }, missing: [], ...(signal && { signal }) }
    const { body, index } = await this.#client.ask<Row[]>('GET', `kv/${path(prefix)}`, options)
    return { rows: body, index }
  }

  /** Resolves when the first state is known. */
  async #follow(): Promise<void> {
    if (this.#isFollowing) return
    this.#followed ??= (async () => {
      const { rows, index } = await this.#list(this.#prefix, {})
      this.#begin(rows)
      this.#isFollowing = true
      void this.#keepFollowing(index)
    })()
    try {
      await this.#followed
    } finally {
      this.#followed = undefined
    }
  }

  async #keepFollowing(from: number): Promise<void> {
    const { signal } = this.#closing
    let index = from
    while (!signal.aborted) {
      try {
        const query = { index: String(index), wait: `${queryWaitMs / 1_000}s` }
        const told = await this.#list(this.#prefix, query, signal)
        // Going back: Consul was restored from something older.
        if (told.index < index) this.#begin(told.rows)
        else this.#take(told.rows, told.index)
        index = told.index
      } catch (error) {
        if (signal.aborted) return
        if (asNetpluginError(error).kind === 'internal') throw asError(error)
        await this.#clock.after(pauseMs, signal).catch(() => {})
      }
    }
  }

  /** From here on everything is known. */
  #begin(rows: readonly Row[]): void {
    this.#known = new Map(rows.map(({ Key, ModifyIndex }) => [Key, ModifyIndex]))
    this.#start = Math.max(0, ...this.#known.values())
    this.#reached = this.#start
    this.#history = []
    this.#life++
    this.#wakeup.wake()
  }

  /** What is different from before, as one commit. */
  #take(rows: readonly Row[], index: number): void {
    const known = new Map<string, number>()
    const changes: KvChange[] = []
    let newest = 0
    for (const row of rows.toSorted((a, b) => a.ModifyIndex - b.ModifyIndex)) {
      known.set(row.Key, row.ModifyIndex)
      if (this.#known.get(row.Key) === row.ModifyIndex) continue
      changes.push({ key: row.Key, value: entryOf(row).value })
      newest = row.ModifyIndex
    }
    const gone = [...this.#known.keys()].filter((key) => !known.has(key))
    this.#known = known
    if (gone.length + changes.length === 0) return
    // Each commit writes a key of its own; what ends with a session writes none.
    const revision = newest > this.#reached ? newest : index
    this.#reached = revision
    this.#history.push({ revision, changes: [...gone.map((key) => ({ key, value: null })), ...changes] })
    let kept = this.#history.reduce((sum, commit) => sum + commit.changes.length, 0)
    while (kept > this.#historyLimit * 4 && this.#history.length > 1) {
      const oldest = this.#history.shift()
      kept -= oldest?.changes.length ?? 0
      this.#start = oldest?.revision ?? this.#start
    }
    this.#wakeup.wake()
  }
}

interface TxnAnswer {
  readonly Results?: readonly { readonly KV?: { readonly ModifyIndex: number } }[] | null
  readonly Errors?: readonly { readonly What?: string }[] | null
}

function entryOf({ Key, Value, ModifyIndex, Session }: Row): KvEntry {
  return {
    key: Key,
    value: Buffer.from(Value ?? '', 'base64').toString(),
    revision: ModifyIndex,
    leased: Session !== undefined && Session !== '',
  }
}

/** As part of a URL; slashes stay. */
function path(key: string): string {
  return key.split('/').map(encodeURIComponent).join('/')
}
