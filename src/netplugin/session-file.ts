// The start of this agent among those of this host (docs/adr/0038-late-requests.md), kept on disk before the first request goes out.

import type { Clock } from '../lib/clock.ts'
import { asError } from '../lib/errors.ts'
import type { Files } from '../lib/files.ts'
import type { Log } from '../lib/log.ts'
import { JsonFile } from './json-file.ts'

interface Deps {
  readonly clock: Clock
  readonly log: Log
  /** Left out: those of the machine. */
  readonly files?: Files
}

/** Beyond this the numbers of requests would not be whole any more. */
const maxStart = 2 ** 32

/** Higher than any before: than the one on disk, and than the seconds since 1970, in case that is lost. */
export async function nextStart(path: string, { clock, log, files }: Deps): Promise<number> {
  const file = new JsonFile<{ readonly start: number }>(path, files)
  const saved = file.read()
  const last = typeof saved === 'object' && saved !== null && 'start' in saved ? saved.start : 0
  const isUsable = Number.isSafeInteger(last) && typeof last === 'number' && last < maxStart
  const start = Math.max(isUsable ? last + 1 : 0, Math.floor(clock.now() / 1000))
  await file.write({ start }).catch((error: unknown) => {
    const reason = asError(error).message
    log.warn('start not saved: late requests of this netplugin may be taken for those of the next', { reason })
  })
  return start
}
