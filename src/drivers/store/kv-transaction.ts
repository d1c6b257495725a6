// A commit as a transaction of the store, and whether that is small enough to be done at once.

import type { KvCondition, KvLimits, KvTransaction, KvWrite } from './kv.ts'
import { tooLarge } from './kv-journal.ts'
import type { KvKeys } from './kv-keys.ts'
import type { Commit } from './store.ts'

/** Conditions and writes that a commit adds: journal, writer; head, writer. */
const added = 2

export function transactionOf(commit: Commit, keys: KvKeys): KvTransaction {
  const conditions = commit.expect.map(
    ({ key, revision }): KvCondition =>
      revision === 0 ? { key: keys.of(key), is: 'absent' } : { key: keys.of(key), is: 'until', revision },
  )
  const writes = new Map<string, KvWrite>()
  for (const name of commit.delete) writes.set(name, { key: keys.of(name), value: null })
  for (const { key: name, value, lease } of commit.put) {
    const write = { key: keys.of(name), value: JSON.stringify(value) }
    writes.set(name, lease === undefined ? write : { ...write, lease })
  }
  return { conditions, writes: [...writes.values()] }
}

/** With what a commit adds. Throws STORE_VALUE_TOO_LARGE for a value that fits nowhere. */
export function fits({ conditions, writes }: KvTransaction, limits: KvLimits): boolean {
  let bytes = 0
  for (const { key } of conditions) bytes += Buffer.byteLength(key) + 20
  for (const { key, value } of writes) {
    const size = Buffer.byteLength(key) + Buffer.byteLength(value ?? '') + 20
    if (size > limits.bytes) throw tooLarge(key, size, limits.bytes)
    bytes += size
  }
  const [asked, written] = [conditions.length + added, writes.length + added]
  return (
    bytes <= limits.bytes &&
    asked <= limits.conditions &&
    written <= limits.writes &&
    asked + written <= limits.operations
  )
}
