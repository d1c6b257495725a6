// Hosts that nobody hears of any more (docs/adr/0032-lost-hosts.md): lost first, which takes their tunnels, names and services
// from the others; dead much later, or when it is known, which gives their addresses back. Decisions are pure.

import type { Problem } from '../lib/errors.ts'
import { problem } from '../model/body.ts'
import type { GrantChange } from '../model/grant.ts'
import { isHosts } from '../model/host-endpoint.ts'
import type { Change, EndpointRecord } from '../model/state.ts'
import { type Decision, unchanged } from './decision.ts'
import { removeEndpoints } from './endpoints.ts'
import { detachedEndpoint, isOfIntent } from './intent-endpoints.ts'
import { notFound } from './objects/object.ts'
import type { View } from './tables.ts'

export interface LossTimes {
  /** A host that nobody heard of for so long is lost. */
  readonly lostAfterMs: number
  /** A lost host that stays away for so long is taken for dead; 0: never. */
  readonly deadAfterMs: number
}

export const defaultLossTimes: LossTimes = { lostAfterMs: 30_000, deadAfterMs: 24 * 3_600_000 }

/** Marks hosts as lost; those that are already, or are gone, are left out. Answers which were marked. */
export function loseNodes(view: View, names: readonly string[], now: number): Decision<readonly string[]> {
  const records = names.flatMap((name) => view.nodes.get(name) ?? []).filter(({ lost }) => lost === undefined)
  return {
    records: records.map((record) => ({ kind: 'node', key: record.node, value: { ...record, lost: now } })),
    grants: [],
    result: records.map(({ node }) => node),
  }
}

/** A lost host was heard: it counts again, with everything it has. */
export function foundNode(view: View, name: string): Decision<boolean> {
  const record = view.nodes.get(name)
  if (record?.lost === undefined) return unchanged(false)
  const { lost: _, ...found } = record
  return { records: [{ kind: 'node', key: name, value: found }], grants: [], result: true }
}

/** Takes back what hosts have that have been lost since `before`; answers the endpoints by host. */
export function reclaimDead(view: View, before: number): Decision<ReadonlyMap<string, number>> {
  const found = new Map<string, number>()
  const records: Change[] = []
  const grants: GrantChange[] = []
  for (const { node, lost } of view.nodes.values()) {
    if (lost === undefined || lost > before || view.endpointsOn(node).size === 0) continue
    const reclaimed = reclaim(view.endpointsOn(node).values(), 'all')
    if (reclaimed.result === 0) continue
    records.push(...reclaimed.records)
    grants.push(...reclaimed.grants)
    found.set(node, reclaimed.result)
  }
  return { records, grants, result: found }
}

/** The host was started anew: none of its containers is the one it was. Its own interfaces are made again. */
export function reclaimRebooted(view: View, node: string): Decision<number> {
  return reclaim(view.endpointsOn(node).values(), 'containers')
}

/** Forgets a host that is gone for good; `isHeard` says that it lives. */
export function removeNode(view: View, node: string, isHeard: boolean): Decision<{ removed: string[] }> | Problem {
  if (!view.nodes.has(node)) return notFound('node', node)
  if (isHeard) {
    const message = `node ${node} lives: it was heard just now; stop netplugin there first, and its containers`
    return problem('conflict', 'NODE_LIVES', message, { node })
  }
  const all = [...view.endpointsOn(node).values()]
  const { records, grants } = reclaim(all, 'all')
  return {
    records: [...records, { kind: 'node', key: node, value: null }],
    grants,
    result: { removed: all.map(({ endpointId }) => endpointId).sort() },
  }
}

/** Removes endpoints and frees their addresses; those of intents wait for another container. Answers how many there were. */
function reclaim(endpoints: Iterable<EndpointRecord>, which: 'all' | 'containers'): Decision<number> {
  const all = [...endpoints].filter((record) => which === 'all' || !isHosts(record))
  const attached = all.filter((record) => isOfIntent(record) && record.containerId !== '')
  const gone = removeEndpoints(
    all.filter((record) => !isOfIntent(record)),
    null,
  )
  const waiting = attached.map(
    (record) => ({ kind: 'endpoint', key: record.endpointId, value: detachedEndpoint(record) }) as const,
  )
  return { records: [...gone.records, ...waiting], grants: gone.grants, result: gone.records.length + waiting.length }
}
