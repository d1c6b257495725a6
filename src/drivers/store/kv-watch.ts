// From what changes in a networked store to commits: a large commit is told when its last part is in.

import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import type { Kv, KvChange } from './kv.ts'
import { applyJournal, readJournal } from './kv-journal.ts'
import { type KvKeys, parseText } from './kv-keys.ts'
import type { StoreChange, StoreCommit, StoreValue } from './store.ts'

export interface WatchDeps {
  readonly kv: Kv
  readonly keys: KvKeys
  readonly clock: Clock
  readonly log: Log
}

/** Whoever decided a large commit has so long to apply it before a watcher does. */
const helpMs = 3_000

export async function* watchCommits(from: number, deps: WatchDeps, signal: AbortSignal): AsyncIterable<StoreCommit> {
  const { kv, keys } = deps
  let waiting: StoreChange[] = []
  let partial: AbortController | undefined
  try {
    for await (const { revision, changes } of kv.watch(keys.prefix, from, signal)) {
      for (const change of changes) {
        if (change.key.startsWith(keys.data)) waiting.push(decode(change, keys))
        else if (change.key === keys.journal) {
          const decided = change.value !== null && readJournal(change.key, change.value).state === 'decided'
          if (decided) partial ??= helpLater(deps)
          else {
            partial?.abort()
            partial = undefined
          }
        }
      }
      const head = changes.some(({ key }) => key === keys.head)
      if (partial !== undefined || !(head || waiting.length > 0)) continue
      const told = waiting
      waiting = []
      yield { revision, changes: told }
      if (signal.aborted) return
    }
  } finally {
    partial?.abort()
  }
}

/** Its writer may have died. */
function helpLater({ kv, keys, clock, log }: WatchDeps): AbortController {
  const unless = new AbortController()
  const help = async () => {
    while (!unless.signal.aborted) {
      try {
        await clock.after(helpMs, unless.signal)
      } catch {
        return
      }
      await applyJournal(kv, keys).catch((error: unknown) =>
        log.warn('a large commit waits to be finished', { error: String(error) }),
      )
    }
  }
  void help()
  return unless
}

function decode({ key, value }: KvChange, keys: KvKeys): StoreChange {
  const name = key.slice(keys.data.length)
  return { key: name, value: value === null ? null : (parseText(key, value) as StoreValue) }
}
