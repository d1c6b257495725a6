// Waiting for a fact: asks again and again, never longer than its deadline, and says what was missing.

import type { Clock } from '../lib/clock.ts'
import { NetpluginError } from '../lib/errors.ts'

export interface WaitOptions {
  /** Completes "waited N s for …". */
  readonly what: string
  readonly timeoutMs: number
  readonly everyMs: number
}

/** The first value that is not undefined. Throws `timeout` (code WAIT_TIMEOUT), or what `probe` throws. */
export async function until<T>(
  probe: () => Promise<T | undefined> | T | undefined,
  options: WaitOptions,
  { clock }: { readonly clock: Clock },
  signal: AbortSignal,
): Promise<T> {
  const timeoutMs = patient(options.timeoutMs)
  const deadline = clock.now() + timeoutMs
  for (;;) {
    signal.throwIfAborted()
    const value = await probe()
    if (value !== undefined) return value
    if (clock.now() >= deadline) {
      const seconds = (timeoutMs / 1000).toFixed(0)
      throw new NetpluginError('timeout', 'WAIT_TIMEOUT', `waited ${seconds} s for ${options.what}`)
    }
    await clock.after(options.everyMs, signal)
  }
}

/** A bound in ms, times NETLAB_PATIENCE: for machines that are much slower than most, emulated ones above all. */
export function patient(ms: number): number {
  const factor = Number(process.env.NETLAB_PATIENCE ?? 1)
  return ms * (Number.isFinite(factor) && factor >= 1 ? factor : 1)
}
