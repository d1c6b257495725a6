// A watch on etcd that outlives members and connections: it goes on after the last revision it has told.

import type { ClientDuplexStream } from '@grpc/grpc-js'
import { systemClock } from '../../lib/clock.ts'
import type { EtcdClient } from './etcd-client.ts'
import { grpcFailure, isCompacted } from './etcd-errors.ts'
import { methods, type WatchRequest, type WatchResponse } from './etcd-messages.ts'
import type { KvChange, KvCommit } from './kv.ts'
import { compacted } from './memory-data.ts'

interface WatchRange {
  readonly key: Buffer
  readonly rangeEnd: Buffer
  readonly from: number
}

/** Pause after a stream that failed at once. */
const pauseMs = 200

/** A token that is too old is told as if we had no right, and may be it by chance for a new one, too. */
const maxRefusals = 3

/** Throws COMPACTED, and what etcd refuses; ends with the signal. */
export async function* watchEtcd(client: EtcdClient, range: WatchRange, signal: AbortSignal): AsyncIterable<KvCommit> {
  let from = range.from
  let refusals = 0
  while (!signal.aborted) {
    try {
      for await (const response of responses(client, { ...range, from }, signal)) {
        const told = Number(response.compactRevision)
        if (told > 0) throw compacted(from, told)
        if (response.canceled) {
          const refused = client.refused(response.cancelReason)
          if (++refusals > maxRefusals) throw refused
          break
        }
        if (!response.created) refusals = 0
        yield* commitsOf(response, from)
        from = Math.max(from, lastRevision(response))
        if (signal.aborted) return
      }
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof Error && 'kind' in error) {
        // Ours: compacted, or nobody answers. The latter ends some time.
        if (!('code' in error) || error.code !== 'STORE_UNREACHABLE') throw error
      } else {
        const refused = isCompacted(grpcFailure(error)) ? compacted(from, from) : client.failed(error)
        if (refused !== undefined) throw refused
      }
    }
    await systemClock.after(pauseMs, signal).catch(() => {})
  }
}

/** Of one stream, until it ends or fails. */
async function* responses(
  client: EtcdClient,
  { key, rangeEnd, from }: WatchRange,
  signal: AbortSignal,
): AsyncIterable<WatchResponse> {
  const stream: ClientDuplexStream<WatchRequest, WatchResponse> = await client.stream(methods.watch)
  const cancel = () => stream.cancel()
  signal.addEventListener('abort', cancel, { once: true })
  if (signal.aborted) cancel()
  try {
    const startRevision = String(from + 1)
    stream.write({ createRequest: { key, rangeEnd, startRevision, progressNotify: true } })
    yield* stream as AsyncIterable<WatchResponse>
  } finally {
    signal.removeEventListener('abort', cancel)
    stream.on('error', () => {})
    stream.cancel()
  }
}

/** A response holds whole revisions only, in order. */
function commitsOf({ events }: WatchResponse, from: number): KvCommit[] {
  const commits: { revision: number; changes: KvChange[] }[] = []
  for (const { type, kv } of events) {
    const revision = Number(kv.modRevision)
    if (revision <= from) continue
    const change = { key: kv.key.toString(), value: type === 1 ? null : kv.value.toString() }
    const last = commits.at(-1)
    if (last?.revision === revision) last.changes.push(change)
    else commits.push({ revision, changes: [change] })
  }
  return commits
}

/** Also of a mere sign of progress: so much has been looked at, and nothing of it was ours. */
function lastRevision({ created, events, header }: WatchResponse): number {
  const last = events.at(-1)
  if (last !== undefined) return Number(last.kv.modRevision)
  return created ? 0 : Number(header.revision)
}
