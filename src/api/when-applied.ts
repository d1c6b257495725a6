// After a change that shows on the hosts (a Docker network appears or goes), the command ends when every live node has
// it: what the user types next, on any host, works. A node that lags is named; it will catch up.

import type { Clock } from '../lib/clock.ts'
import type { NodeView } from '../model/node.ts'
import type { Client } from './client.ts'

export interface WaitOptions {
  readonly patienceMs: number
  /** Told of the nodes that lag, each time it looked and found some. */
  readonly onLag: (lagging: readonly string[]) => void
}

/** What has to be asked of netmaster. */
export interface Progress {
  /** Of the newest change. */
  revision(signal: AbortSignal): Promise<number>
  /** Held back until live nodes have the revision in force, or for about half a second: less than anybody waits. */
  applied(revision: number, signal: AbortSignal): Promise<readonly NodeView[]>
}

/** As a client asks. */
export function progressOf({ health, nodes }: Pick<Client, 'health' | 'nodes'>): Progress {
  return { revision: async (signal) => (await health(signal)).revision, applied: nodes.applied }
}

/** Netmaster holds answers back; this is for one that does not. */
const askAgainMs = 20

/** Resolves with the names of live nodes that still lag when patience is over; empty when all have caught up. */
export async function whenApplied(
  progress: Progress,
  { patienceMs, onLag }: WaitOptions,
  { clock }: { readonly clock: Clock },
): Promise<readonly string[]> {
  const signal = AbortSignal.timeout(patienceMs)
  let lagging: readonly string[] = []
  try {
    const revision = await progress.revision(signal)
    for (;;) {
      const nodes = await progress.applied(revision, signal)
      lagging = nodes.filter((node) => node.alive && node.appliedRevision < revision).map((node) => node.name)
      if (lagging.length === 0) return []
      onLag(lagging)
      await clock.after(askAgainMs, signal)
    }
  } catch {
    // Patience is over, or netmaster went away: the change is stored all the same.
  }
  return lagging
}

/** `node1, node2`; of many, five and a number. */
export function listed(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(', ')
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown
}
