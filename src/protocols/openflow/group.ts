// Groups: several lists of actions behind one number, of which all, one, or the first live one is taken
// (OpenFlow 1.4.1 sections 5.6, 7.3.4.2 and 7.3.5.10).

import type { Reader, Writer } from '../../lib/bytes.ts'
import { NetpluginError } from '../../lib/errors.ts'
import { type Action, canonicalActions } from './action.ts'
import { decodeActions } from './action-decode.ts'
import { encodeActions } from './action-encode.ts'
import { anyPort } from './port.ts'
import { anyGroup, groupTypes } from './wire.ts'

export type GroupType = (typeof groupTypes)[number]

export interface Bucket {
  /** Share of a `select` group; 1 when left out there, 0 elsewhere. */
  readonly weight?: number
  /** The port whose link decides whether a bucket of a `fast_failover` group is live. */
  readonly watchPort?: number
  readonly actions: readonly Action[]
}

export interface Group {
  readonly id: number
  readonly type: GroupType
  readonly buckets: readonly Bucket[]
}

/** OFPG_ALL: in a deletion, every group. */
export const allGroups = 0xfffffffc

/** Appends the buckets of a group. */
export function encodeBuckets(w: Writer, group: Group): void {
  for (const bucket of group.buckets) {
    const start = w.length
    w.u16(0).u16(bucket.weight ?? defaultWeight(group.type))
    w.u32(bucket.watchPort ?? anyPort)
      .u32(anyGroup)
      .zeros(4)
    encodeActions(w, bucket.actions)
    w.patchU16(start, w.length - start)
  }
}

function defaultWeight(type: GroupType): number {
  return type === 'select' ? 1 : 0
}

/** Reads buckets to the end of the reader. */
export function decodeBuckets(r: Reader, type: GroupType): Bucket[] {
  const buckets: Bucket[] = []
  while (r.remaining > 0) {
    const length = r.u16()
    if (length < 16) throw new NetpluginError('protocol', 'BUCKET_LENGTH', `bucket of ${length} bytes`)
    const entry = r.sub(length - 2)
    const weight = entry.u16()
    const watchPort = entry.u32()
    buckets.push(canonicalBucket({ weight, watchPort, actions: decodeActions(entry.skip(8)) }, type))
  }
  return buckets
}

function canonicalBucket(bucket: Bucket, type: GroupType): Bucket {
  const { weight = defaultWeight(type), watchPort = anyPort } = bucket
  return {
    ...(weight === defaultWeight(type) ? {} : { weight }),
    ...(watchPort === anyPort ? {} : { watchPort }),
    actions: canonicalActions(bucket.actions),
  }
}

/** The group in canonical form: what the switch will report after it was given this one. */
export function canonicalGroup(group: Group): Group {
  const { id, type } = group
  return { id, type, buckets: group.buckets.map((bucket) => canonicalBucket(bucket, type)) }
}

export function groupTypeNumber(type: GroupType): number {
  return groupTypes.indexOf(type)
}

export function groupTypeOf(number: number): GroupType {
  const type = groupTypes[number]
  if (type === undefined) throw new NetpluginError('protocol', 'GROUP_TYPE', `there is no group type ${number}`)
  return type
}

/** Reads one `ofp_group_desc`. */
export function decodeGroupDesc(r: Reader): Group {
  const length = r.u16()
  if (length < 8) throw new NetpluginError('protocol', 'GROUP_LENGTH', `group description of ${length} bytes`)
  const entry = r.sub(length - 2)
  const type = groupTypeOf(entry.u8())
  const id = entry.skip(1).u32()
  return { id, type, buckets: decodeBuckets(entry, type) }
}

export function encodeGroupDesc(w: Writer, group: Group): void {
  const start = w.length
  w.u16(0).u8(groupTypeNumber(group.type)).zeros(1).u32(group.id)
  encodeBuckets(w, group)
  w.patchU16(start, w.length - start)
}
