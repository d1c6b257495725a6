// A limit of time for something that takes a signal, by a clock that is handed in.

import type { Clock } from './clock.ts'
import { NetpluginError } from './errors.ts'

/** `work` gets a signal that aborts after `ms`, and with the one that is given, if any. */
export async function within<T>(
  ms: number,
  { clock, signal }: { readonly clock: Clock; readonly signal?: AbortSignal },
  work: (limit: AbortSignal) => Promise<T>,
): Promise<T> {
  const limit = new AbortController()
  const done = new AbortController()
  const end = () => limit.abort(signal?.reason)
  if (signal?.aborted === true) end()
  signal?.addEventListener('abort', end, { once: true })
  clock.after(ms, done.signal).then(
    () => limit.abort(new NetpluginError('timeout', 'TOO_LATE', `not done within ${ms / 1000} s`)),
    () => {},
  )
  try {
    return await work(limit.signal)
  } finally {
    signal?.removeEventListener('abort', end)
    done.abort(done)
  }
}
