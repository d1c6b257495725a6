// A networked store for tests: in memory, with limits as small as wanted, and with everything that can go wrong on the way.

import type { Clock } from '../../lib/clock.ts'
import { NetpluginError } from '../../lib/errors.ts'
import { Wakeup } from '../../lib/wakeup.ts'
import type { Kv, KvChange, KvCommit, KvEntry, KvLimits, KvResult, KvTransaction, KvWrite } from './kv.ts'
import { holds } from './kv-journal.ts'
import { leaseLost } from './local-leases.ts'
import { compacted } from './memory-data.ts'

/**
 * What becomes of a transaction: `lost`, it never arrives; `unanswered`, it is done and the answer is lost; `late`, it is done after
 * some more, when its sender has long given up; `dead`, its sender is gone from here on.
 */
export type Fault = 'none' | 'lost' | 'unanswered' | 'late' | 'dead'

interface Stored {
  readonly value: string
  readonly revision: number
  readonly lease: string | undefined
}

/** What the connections of a test share. */
export class FakeKvServer {
  readonly limits: KvLimits
  readonly wakeup = new Wakeup()
  readonly entries = new Map<string, Stored>()
  readonly #clock: Clock
  readonly #leases = new Map<string, { readonly ttlMs: number; until: number }>()
  #history: KvCommit[] = []
  #late: { readonly transaction: KvTransaction; after: number }[] = []
  #compacted = 0
  #revision = 7
  #nextLease = 1

  constructor(limits: KvLimits, { clock }: { readonly clock: Clock }) {
    this.limits = limits
    this.#clock = clock
  }

  /** `fault` is asked for each transaction. */
  connect(fault: () => Fault = () => 'none'): FakeKv {
    return new FakeKv(this, fault)
  }

  /** Throws what a real one would refuse. */
  apply({ conditions, writes }: KvTransaction): KvResult {
    this.passTime()
    const bytes = writes.reduce((sum, { key, value }) => sum + Buffer.byteLength(key + (value ?? '')), 0)
    const { limits } = this
    if (
      conditions.length > limits.conditions ||
      writes.length > limits.writes ||
      conditions.length + writes.length > limits.operations ||
      bytes > limits.bytes * 1.5
    ) {
      throw new NetpluginError('invalid', 'STORE_LIMITS', `${conditions.length} + ${writes.length}, ${bytes} bytes`)
    }
    if (new Set(writes.map(({ key }) => key)).size < writes.length) throw new Error('a key is written twice')
    if (!conditions.every((condition) => holds(condition, this.entries.get(condition.key)?.revision))) {
      return { ok: false }
    }
    for (const { lease } of writes) if (lease !== undefined && !this.#leases.has(lease)) throw leaseLost('unknown')
    return { ok: true, revision: this.#write(writes) }
  }

  /** Sooner or later, in turn. */
  later(transaction: KvTransaction): void {
    this.#late.push({ transaction, after: 1 + ((this.#revision * 7) % 31) })
  }

  /** Ends leases, and does what is late. */
  passTime(): void {
    for (const [id, { until }] of this.#leases) if (until <= this.#clock.now()) this.revoke(id)
    const due = this.#late.filter((each) => --each.after <= 0)
    this.#late = this.#late.filter(({ after }) => after > 0)
    for (const { transaction } of due) {
      try {
        this.apply(transaction)
      } catch {
        // Nobody hears of it.
      }
    }
  }

  grant(ttlMs: number): string {
    const id = String(this.#nextLease++)
    this.#leases.set(id, { ttlMs, until: this.#clock.now() + ttlMs })
    return id
  }

  keepAlive(id: string): boolean {
    this.passTime()
    const lease = this.#leases.get(id)
    if (lease !== undefined) lease.until = this.#clock.now() + lease.ttlMs
    return lease !== undefined
  }

  revoke(id: string): void {
    if (!this.#leases.delete(id)) return
    const gone = [...this.entries].filter(([, { lease }]) => lease === id)
    if (gone.length > 0) this.#write(gone.map(([key]) => ({ key, value: null })))
  }

  after(revision: number): readonly KvCommit[] {
    if (revision < this.#compacted) throw compacted(revision, this.#compacted)
    return this.#history.filter((commit) => commit.revision > revision)
  }

  compact(revision: number): void {
    this.#compacted = Math.max(this.#compacted, revision)
    this.#history = this.#history.filter((commit) => commit.revision > revision)
  }

  #write(writes: readonly KvWrite[]): number {
    const revision = ++this.#revision
    const changes: KvChange[] = []
    for (const { key, value, lease } of writes) {
      if (value === null) {
        if (this.entries.delete(key)) changes.push({ key, value })
      } else {
        this.entries.set(key, { value, revision, lease })
        changes.push({ key, value })
      }
    }
    this.#history.push({ revision, changes })
    this.wakeup.wake()
    return revision
  }
}

export class FakeKv implements Kv {
  readonly limits: KvLimits
  readonly #server: FakeKvServer
  readonly #fault: () => Fault
  #isDead = false

  constructor(server: FakeKvServer, fault: () => Fault) {
    this.limits = server.limits
    this.#server = server
    this.#fault = fault
  }

  async identity(): Promise<string> {
    return 'fake'
  }

  async read(prefix: string): Promise<readonly KvEntry[]> {
    await this.#travel()
    return [...this.#server.entries].filter(([key]) => key.startsWith(prefix)).map(entryOf)
  }

  async get(keys: readonly string[]): Promise<readonly KvEntry[]> {
    await this.#travel()
    return [...this.#server.entries].filter(([key]) => keys.includes(key)).map(entryOf)
  }

  async transact(transaction: KvTransaction): Promise<KvResult> {
    await this.#travel()
    const fault = this.#fault()
    switch (fault) {
      case 'none': {
        const result = this.#server.apply(transaction)
        await this.#travel()
        return result
      }
      case 'lost':
        throw away('lost')
      case 'unanswered':
        this.#server.apply(transaction)
        throw away('no answer')
      case 'late':
        this.#server.later(transaction)
        throw away('late')
      case 'dead':
        this.#isDead = true
        throw away('dead')
    }
  }

  async *watch(prefix: string, from: number, signal: AbortSignal): AsyncIterable<KvCommit> {
    let at = from
    while (!signal.aborted) {
      const commits = this.#server.after(at)
      if (commits.length === 0) await this.#server.wakeup.wait(signal)
      for (const { revision, changes } of commits) {
        at = revision
        const ours = changes.filter(({ key }) => key.startsWith(prefix))
        if (ours.length > 0) yield { revision, changes: ours }
        if (signal.aborted) return
      }
    }
  }

  async grant(ttlMs: number): Promise<{ readonly id: string; readonly ttlMs: number }> {
    await this.#travel()
    return { id: this.#server.grant(ttlMs), ttlMs }
  }

  async keepAlive(id: string): Promise<boolean> {
    await this.#travel()
    return this.#server.keepAlive(id)
  }

  async revoke(id: string): Promise<void> {
    await this.#travel()
    this.#server.revoke(id)
  }

  async compact(revision: number): Promise<void> {
    this.#server.compact(revision)
  }

  async close(): Promise<void> {}

  async #travel(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    if (this.#isDead) throw away('dead')
    this.#server.passTime()
  }
}

function entryOf([key, { value, revision, lease }]: [string, Stored]): KvEntry {
  return { key, value, revision, leased: lease !== undefined }
}

function away(why: string): NetpluginError {
  return new NetpluginError('unavailable', 'STORE_UNREACHABLE', why)
}
