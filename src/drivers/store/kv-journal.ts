// Commits too large for one transaction of the store. The writer stages them in parts and decides in one small transaction;
// then anybody applies the parts, each exactly once, until the journal is gone:
//
//   lock    m/journal = open      with a lease; from here on nobody else commits, so what is expected can be looked at
//   stage   j/<id>/0 …            each small enough to be applied at once
//   decide  m/journal = decided   without the lease. The commit is done: from here on a crash loses nothing of it
//   apply   the writes of a part, and m/journal = decided, next part; the last one removes m/journal and writes m/head
//
// Before `decide` a crash leaves nothing but garbage, which the next one removes. After it, readers wait for the end and watchers
// tell all parts as one commit, at the revision of the last. Every step expects the journal as it was last seen.

import { randomUUID } from 'node:crypto'
import { type Clock, systemClock } from '../../lib/clock.ts'
import { NetpluginError } from '../../lib/errors.ts'
import type { Kv, KvCondition, KvLimits, KvWrite } from './kv.ts'
import { type KvKeys, parseText } from './kv-keys.ts'

export type Journal = { readonly id: string; readonly state: 'open' } | DecidedJournal

interface DecidedJournal {
  readonly id: string
  readonly state: 'decided'
  /** Who is told the revision, in `w/<writer>`, and as which commit. */
  readonly writer: string
  readonly commit: number
  /** When it was decided, ms since the epoch. */
  readonly at: number
  readonly parts: number
  readonly next: number
}

/** Operations beside the writes of a part: journal, head, writer, the part itself. */
const overhead = 4
/** The lock of a writer that died ends after this. */
const lockMs = 10_000
/** Keys asked for at once. */
const readAtOnce = 100

export function readJournal(key: string, text: string): Journal {
  // Only this file writes it; a version of ours that cannot be read by another writes another key.
  return parseText(key, text) as Journal
}

/** In order, each part small enough to be staged as text and to be applied. Throws when a single write is too large. */
export function splitWrites(writes: readonly KvWrite[], limits: KvLimits): readonly (readonly KvWrite[])[] {
  const most = Math.min(limits.writes, limits.operations) - overhead
  const parts: KvWrite[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const write of writes) {
    const size = Buffer.byteLength(JSON.stringify(write)) + 1
    if (size > limits.bytes) throw tooLarge(write.key, size, limits.bytes)
    const last = parts.at(-1)
    if (last !== undefined && last.length < most && bytes + size <= limits.bytes) {
      last.push(write)
      bytes += size
    } else {
      parts.push([write])
      bytes = size
    }
  }
  return parts
}

export function tooLarge(key: string, size: number, most: number): NetpluginError {
  const message = `the value of ${JSON.stringify(key)} has ${size} bytes and the store takes ${most}; make the object smaller`
  return new NetpluginError('invalid', 'STORE_VALUE_TOO_LARGE', message, { details: { key } })
}

export interface LargeCommit {
  readonly conditions: readonly KvCondition[]
  readonly writes: readonly KvWrite[]
  readonly writer: string
  readonly commit: number
  /** Where the writer's key is now. */
  readonly fence: KvCondition
}

export type LargeResult =
  | { readonly state: 'decided' }
  /** Nothing was done; the condition, or undefined when somebody else was in the way: try again. */
  | { readonly state: 'refused'; readonly conflict: string | undefined }

/** Decides a large commit; `applyJournal` does the rest. Errors: as of `Kv.transact`. */
export async function decideLarge(
  large: LargeCommit,
  { kv, keys, clock = systemClock }: { readonly kv: Kv; readonly keys: KvKeys; readonly clock?: Clock },
): Promise<LargeResult> {
  const parts = splitWrites(large.writes, kv.limits)
  const id = randomUUID()
  const lease = await kv.grant(lockMs)
  const over = new AbortController()
  const kept = keepLock(kv, lease, clock, over.signal)
  try {
    const open: Journal = { id, state: 'open' }
    const locked = await kv.transact({
      conditions: [{ key: keys.journal, is: 'absent' }, large.fence],
      writes: [{ key: keys.journal, value: JSON.stringify(open), lease: lease.id }],
    })
    if (!locked.ok) return { state: 'refused', conflict: undefined }
    const mine: KvCondition = { key: keys.journal, is: 'at', revision: locked.revision }
    const looked = await lookAt(kv, large.conditions)
    if (looked.conflict !== undefined) return { state: 'refused', conflict: looked.conflict }
    // Parts of whoever died between lock and decision.
    for (const key of await kv.read(keys.parts)) {
      await kv.transact({ conditions: [mine], writes: [{ key: key.key, value: null }] })
    }
    for (const [number, part] of parts.entries()) {
      const value = JSON.stringify(part)
      const staged = await kv.transact({ conditions: [mine], writes: [{ key: keys.part(id, number), value }] })
      if (!staged.ok) return { state: 'refused', conflict: undefined }
    }
    const decided: DecidedJournal = {
      id,
      state: 'decided',
      writer: large.writer,
      commit: large.commit,
      at: clock.now(),
      parts: parts.length,
      next: 0,
    }
    const result = await kv.transact({
      conditions: [mine, large.fence, ...looked.leased.slice(0, kv.limits.operations - overhead)],
      writes: [
        { key: keys.journal, value: JSON.stringify(decided) },
        { key: keys.writer(large.writer), value: writerText(decided, 'decided') },
      ],
    })
    return result.ok ? { state: 'decided' } : { state: 'refused', conflict: undefined }
  } finally {
    over.abort()
    await kept
    // Of a lock that was not turned into a decision; best effort: it ends by time.
    await kv.revoke(lease.id).catch(() => {})
  }
}

/** The first condition that does not hold, while nobody else commits; and those on keys that may vanish even so. */
async function lookAt(
  kv: Kv,
  conditions: readonly KvCondition[],
): Promise<{ readonly conflict: string | undefined; readonly leased: readonly KvCondition[] }> {
  const leased: KvCondition[] = []
  for (let at = 0; at < conditions.length; at += readAtOnce) {
    const some = conditions.slice(at, at + readAtOnce)
    const entries = await kv.get(some.map(({ key }) => key))
    const found = new Map(entries.map((entry) => [entry.key, entry]))
    for (const condition of some) {
      const entry = found.get(condition.key)
      if (!holds(condition, entry?.revision)) return { conflict: condition.key, leased }
      if (entry?.leased) leased.push(condition)
    }
  }
  return { conflict: undefined, leased }
}

/** `revision`: where the key is; undefined: it does not exist. */
export function holds(condition: KvCondition, revision: number | undefined): boolean {
  switch (condition.is) {
    case 'absent':
      return revision === undefined
    case 'at':
      return revision === condition.revision
    case 'until':
      return revision !== undefined && revision <= condition.revision
  }
}

/** Applies what is left of a decided commit, whoever decided it; answers when there is none. Safe to be called by many. */
export async function applyJournal(kv: Kv, keys: KvKeys): Promise<void> {
  for (let before = 0; ; ) {
    const [entry] = await kv.get([keys.journal])
    if (entry === undefined) return
    const journal = readJournal(keys.journal, entry.value)
    if (journal.state === 'open') return
    const partKey = keys.part(journal.id, journal.next)
    const [part] = await kv.get([partKey])
    if (part === undefined) {
      // Somebody else has just applied it, and the journal is another now.
      if (before === entry.revision) throw missingPart(partKey)
      before = entry.revision
      continue
    }
    const writes = parseText(partKey, part.value) as readonly KvWrite[]
    await applyPart(kv, keys, { journal, revision: entry.revision, partKey, writes })
  }
}

function missingPart(key: string): NetpluginError {
  const message = `the store has lost ${key}, a part of a commit that is decided; was it removed by hand? Restore a backup`
  return new NetpluginError('unavailable', 'STORE_DAMAGED', message)
}

interface Part {
  readonly journal: DecidedJournal
  readonly revision: number
  readonly partKey: string
  readonly writes: readonly KvWrite[]
}

async function applyPart(kv: Kv, keys: KvKeys, { journal, revision, partKey, writes }: Part): Promise<void> {
  const last = journal.next + 1 === journal.parts
  const after: KvWrite[] = last
    ? [
        { key: keys.journal, value: null },
        { key: keys.head, value: journal.id },
        { key: keys.writer(journal.writer), value: writerText(journal, 'applied') },
      ]
    : [{ key: keys.journal, value: JSON.stringify({ ...journal, next: journal.next + 1 }) }]
  const conditions: KvCondition[] = [{ key: keys.journal, is: 'at', revision }]
  const rest = [{ key: partKey, value: null }, ...after]
  try {
    await kv.transact({ conditions, writes: [...writes, ...rest] })
  } catch (error) {
    if (!(error instanceof NetpluginError) || error.code !== 'LEASE_LOST') throw error
    // Decided, and gone since: as if written and ended with the lease.
    const gone = writes.map((write) => (write.lease === undefined ? write : { key: write.key, value: null }))
    await kv.transact({ conditions, writes: [...gone, ...rest] })
  }
}

/** Never the same text twice: Consul gives what is written as it was no new revision. */
function writerText({ commit, at }: DecidedJournal, state: string): string {
  return JSON.stringify({ commit, at, state })
}

async function keepLock(
  kv: Kv,
  lease: { readonly id: string; readonly ttlMs: number },
  clock: Clock,
  over: AbortSignal,
): Promise<void> {
  while (!over.aborted) {
    await clock.after(lease.ttlMs / 3, over).catch(() => {})
    // One that has ended shows in the next step.
    if (!over.aborted) await kv.keepAlive(lease.id).catch(() => false)
  }
}
