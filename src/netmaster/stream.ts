// The stream of cluster state to one node: a snapshot or a resume, then deltas as they are committed, pings in between.
// It reads from the cluster's history at its own pace, so that a slow node holds no memory; one that falls behind what is
// kept is cut and comes back for a snapshot. Any master goes on where another one left off; one that lost the store ends its
// streams, so that nodes look for one that has it.

import type { Writable } from 'node:stream'
import type { Clock } from '../lib/clock.ts'
import { NetpluginError } from '../lib/errors.ts'
import type { StreamMessage } from '../model/state.ts'
import { stateVersion } from '../model/versions.ts'
import type { Cluster } from './cluster.ts'

export interface StreamPosition {
  readonly epoch: string
  readonly revision: number
}

/** Records in one message of a snapshot. */
export const chunkSize = 500
export const pingMs = 5_000
/** A node that does not take what was sent for this long is cut. */
const drainMs = 30_000

/** Writes until the signal aborts, the output ends, or the reader is too slow. */
export async function streamState(
  output: Writable,
  since: StreamPosition | undefined,
  { cluster, clock }: { readonly cluster: Cluster; readonly clock: Clock },
  signal: AbortSignal,
): Promise<void> {
  const closed = new AbortController()
  const onClose = () => closed.abort()
  output.once('close', onClose)
  output.on('error', onClose)
  const stop = AbortSignal.any([signal, closed.signal])
  try {
    let revision = await begin(output, since, cluster, stop)
    const { epoch } = cluster
    while (!stop.aborted && !cluster.isCutOff) {
      // The store is another one: no revision of the former means anything.
      if (cluster.epoch !== epoch) return
      const entries = cluster.changesAfter(revision)
      if (entries === undefined) return
      for (const entry of entries) {
        await write(output, entry.line(), stop)
        revision = entry.revision
      }
      if (entries.length === 0 && !(await changedWithin(cluster, clock, stop)) && !stop.aborted) {
        await write(output, line({ type: 'ping', revision: cluster.revision }), stop)
      }
    }
  } catch (error) {
    if (!stop.aborted) throw error
  } finally {
    output.off('close', onClose)
  }
}

/** Resumes or sends a snapshot; answers the revision the reader then has. */
async function begin(
  output: Writable,
  since: StreamPosition | undefined,
  cluster: Cluster,
  signal: AbortSignal,
): Promise<number> {
  // Another master may have told more than is known here by now.
  if (since?.epoch === cluster.epoch && since.revision > cluster.reached) await cluster.fresh()
  if (since?.epoch === cluster.epoch && since.revision <= cluster.reached) {
    const { epoch, revision } = since
    const resume = line({ type: 'resume', version: stateVersion, epoch, revision })
    let reached = revision
    // Memory goes on while the store is read, and may have lost its beginning again.
    while (cluster.changesAfter(reached) === undefined) {
      const backlog = await cluster.backlog(reached, signal)
      if (backlog === undefined) return snapshot(output, cluster, signal)
      if (reached === revision) await write(output, resume, signal)
      for (const delta of backlog) {
        await write(output, line({ type: 'delta', ...delta }), signal)
        reached = delta.revision
      }
    }
    if (reached === revision) await write(output, resume, signal)
    return reached
  }
  return snapshot(output, cluster, signal)
}

async function snapshot(output: Writable, cluster: Cluster, signal: AbortSignal): Promise<number> {
  const { revision, epoch } = cluster
  const records = cluster.records()
  await write(output, line({ type: 'begin', version: stateVersion, epoch, revision }), signal)
  for (let at = 0; at < records.length; at += chunkSize) {
    await write(output, line({ type: 'records', changes: records.slice(at, at + chunkSize) }), signal)
  }
  await write(output, line({ type: 'end', revision }), signal)
  return revision
}

function line(message: StreamMessage): string {
  return `${JSON.stringify(message)}\n`
}

/** Writes, and waits while the reader is behind. */
async function write(output: Writable, text: string, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  if (output.write(text)) return
  const late = AbortSignal.timeout(drainMs)
  await new Promise<void>((resolve, reject) => {
    const done = (settle: () => void) => {
      output.off('drain', onDrain)
      late.removeEventListener('abort', onLate)
      signal.removeEventListener('abort', onAbort)
      settle()
    }
    const onDrain = () => done(resolve)
    const onAbort = () => done(() => reject(signal.reason))
    const onLate = () =>
      done(() => reject(new NetpluginError('timeout', 'SLOW_NODE', `the node took nothing for ${drainMs / 1000} s`)))
    output.once('drain', onDrain)
    late.addEventListener('abort', onLate, { once: true })
    signal.addEventListener('abort', onAbort, { once: true })
  })
}

/** Whether something changed before the next ping is due. */
async function changedWithin(cluster: Cluster, clock: Clock, signal: AbortSignal): Promise<boolean> {
  const before = cluster.revision
  await cluster.changedWithin(pingMs, { clock }, signal)
  return cluster.revision !== before
}
