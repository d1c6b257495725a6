// What is looked at and made when a networked store is opened.

import { parseText } from './kv-keys.ts'
import type { KvStoreDeps } from './kv-store.ts'

/** Keys of writers that were not heard of for so long are removed. */
const forgetWritersMs = 24 * 3_600_000

/** The name of the store's life; made, with the head, when there is none. */
export async function findEpoch({ kv, keys, newEpoch }: KvStoreDeps): Promise<string> {
  for (;;) {
    const entries = await kv.get([keys.epoch])
    const found = entries[0]
    if (found !== undefined) return [found.value, await kv.identity()].filter((part) => part !== '').join('.')
    await kv.transact({
      conditions: [{ key: keys.epoch, is: 'absent' }],
      writes: [
        { key: keys.epoch, value: newEpoch() },
        { key: keys.head, value: '' },
      ],
    })
  }
}

/** Programs that were killed leave their key. */
export async function forgetWriters({ kv, keys, clock }: KvStoreDeps): Promise<void> {
  for (const { key, value, revision } of await kv.read(keys.writers)) {
    const said = parseText(key, value)
    const at = typeof said === 'object' && said !== null && 'at' in said ? Number(said.at) : 0
    if (clock.now() - at < forgetWritersMs) continue
    await kv.transact({ conditions: [{ key, is: 'at', revision }], writes: [{ key, value: null }] })
  }
}
