// Tags of networks: VLAN ids and VXLAN ids, each given once in the cluster.

import { contains, formatIntervals } from '../../core/allocate/intervals.ts'
import type { Problem } from '../../lib/errors.ts'
import { isProblem, problem } from '../../model/body.ts'
import { parseTagRange, type TagRange } from '../../model/global.ts'
import type { GrantChange } from '../../model/grant.ts'
import { encapTag } from '../../model/network.ts'
import type { Encap } from '../../model/state.ts'
import type { View } from '../tables.ts'

/** 0 and 4095 are reserved by IEEE 802.1Q. */
const usableVlans = { first: 1, last: 4_094 }

/** Tags that a network may get. */
export interface TagPool {
  /** Ascending. */
  readonly ranges: readonly TagRange[]
  /** For messages: whose they are, and how to have more of them. */
  readonly source: string
  readonly advice: string
}

/** The tag asked for, or the lowest free one of the pool (else of the cluster's range) when it is 0. */
export function chooseEncap(
  view: View,
  kind: Encap['kind'],
  wanted: number,
  given: TagPool | undefined,
): Encap | Problem {
  const noun = kind === 'vlan' ? 'VLAN' : 'VXLAN id'
  const ofCluster = clusterTags(view, kind)
  if (isProblem(ofCluster)) return ofCluster
  const pool = given ?? ofCluster
  const grants = view.numbers[kind === 'vlan' ? 'vlan' : 'vni']
  const toEncap = (tag: number): Encap => (kind === 'vlan' ? { kind, vlan: tag } : { kind, vni: tag })
  const shown = formatIntervals(pool.ranges, String)
  if (wanted === 0) {
    for (const range of pool.ranges) {
      const free = grants.lowestFree(range)
      if (free !== undefined) return toEncap(free)
    }
    return problem('exhausted', 'TAGS_EXHAUSTED', `no ${noun} is free in ${shown}; delete networks, or ${pool.advice}`)
  }
  if (![...pool.ranges, ...ofCluster.ranges].some((range) => contains(range, wanted))) {
    const message = `${noun} ${wanted} is outside ${pool.source} ${shown}; choose one in it`
    return problem('invalid', 'TAG_OUT_OF_RANGE', message, { field: 'pktTag' })
  }
  const owner = grants.ownerOf(wanted)
  if (owner === undefined) return toEncap(wanted)
  return problem('conflict', 'TAG_IN_USE', `${noun} ${wanted} is used by network ${owner}; choose another`, {
    network: owner,
  })
}

function clusterTags(view: View, kind: Encap['kind']): TagPool | Problem {
  const field = kind === 'vlan' ? 'vlans' : 'vxlans'
  const range = parseTagRange(field, view.global[field])
  if (isProblem(range)) return range
  const usable = kind === 'vlan' ? { first: range.first, last: Math.min(range.last, usableVlans.last) } : range
  return { ranges: [usable], source: "the cluster's range", advice: `widen ${field} with netctl global set` }
}

/** Gives a network its tag; null: takes it back. */
export function tagGrant(encap: Encap, owner: string | null): GrantChange {
  return { kind: 'number', pool: encap.kind === 'vlan' ? 'vlan' : 'vni', number: encapTag(encap), owner }
}
