// Decisions that go to the store together.

import type { Commit, StoreChange, StorePut, StoreValue } from '../drivers/store/store.ts'
import { errorOf, NetpluginError, type Problem } from '../lib/errors.ts'
import { isProblem } from '../model/body.ts'
import type { Decide, Decision, Fence } from './decision.ts'
import type { Replica } from './replica.ts'
import { grantKey, type Head, headKey, recordKey, storedRecord } from './store-keys.ts'

/** A transaction that waits for its answer. */
export interface Entry {
  readonly decide: Decide<unknown>
  readonly fence: Fence | undefined
  readonly resolve: (result: unknown, revision: number) => void
  readonly reject: (error: NetpluginError) => void
  /** The state is known to hold everything that happened before it was asked for. */
  readonly isFresh: boolean
}

export interface Decided {
  readonly entry: Entry
  /** A refusal may rest on what is not durable yet, as any other answer may. */
  readonly decision: Decision<unknown> | Problem
}

/** Answers what rests on nothing but what is durable, of which `revision` is the newest. */
export function answer({ entry, decision }: Decided, revision: number): void {
  if (isProblem(decision)) entry.reject(errorOf(decision))
  else entry.resolve(decision.result, revision)
}

export class Batch {
  readonly entries: Decided[] = []
  /** By key; the last write counts. Null: delete. */
  readonly writes = new Map<string, StoreValue | null>()
  changesRecords = false
  /** Of how many decisions something is written. */
  changes = 0

  add(entry: Entry, decision: Decision<unknown> | Problem): void {
    this.entries.push({ entry, decision })
    if (isProblem(decision)) return
    if (decision.records.length > 0) this.changesRecords = true
    if (decision.records.length + decision.grants.length > 0) this.changes++
    for (const change of decision.records) {
      this.writes.set(recordKey(change), change.value === null ? null : storedRecord(change.value))
    }
    for (const grant of decision.grants) {
      this.writes.set(
        grantKey(grant),
        grant.kind === 'address' && grant.owner !== null ? { ...grant.owner } : grant.owner,
      )
    }
  }

  /** As it goes to the store; `by` names it, `known` is what it was decided on. */
  commit(by: string, known: Pick<Replica, 'revision' | 'headRevision' | 'revisionOf'>): Commit {
    const head: Head = this.changesRecords ? { by } : { by, records: known.revision }
    const expect = [{ key: headKey, revision: known.headRevision }, ...this.#fences()]
    const put: StorePut[] = [{ key: headKey, value: { ...head } }]
    const remove: string[] = []
    for (const [key, value] of this.writes) {
      expect.push({ key, revision: known.revisionOf(key) })
      if (value === null) remove.push(key)
      else put.push({ key, value })
    }
    return { expect, put, delete: remove }
  }

  /** What must hold for some of the decisions. */
  #fences(): Commit['expect'] {
    const fences = new Map<string, number>()
    for (const { entry } of this.entries)
      if (entry.fence !== undefined) fences.set(entry.fence.key, entry.fence.revision)
    return [...fences].map(([key, revision]) => ({ key, revision }))
  }

  /** A key was not as expected: refuses those that relied on it as a fence, and answers the others. */
  fenced(key: string): Entry[] {
    const others: Entry[] = []
    for (const { entry } of this.entries) {
      if (entry.fence?.key === key) entry.reject(fenceBroken(key))
      else others.push(entry)
    }
    return others
  }
}

/** What a watch tells of a commit. */
export function changesOf({ put, delete: remove }: Commit): StoreChange[] {
  return [...put, ...remove.map((key) => ({ key, value: null }))]
}

function fenceBroken(key: string): NetpluginError {
  return new NetpluginError('conflict', 'FENCED', `${key} is another's by now; nothing was changed`, {
    details: { key },
  })
}
