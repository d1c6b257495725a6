// The pools of a tenant in an intent document: addresses to make subnets from, and tags.

import { formatIpv4, parseIpv4Prefix } from '../../lib/address.ts'
import { isProblem } from '../../model/body.ts'
import { parseTagRange, type TagRange } from '../../model/global.ts'
import type { TenantPools } from '../../model/intent-records.ts'
import { mergeIntervals } from '../allocate/intervals.ts'
import type { Fields } from './fields.ts'

/** Longest prefix of which hosts get addresses. */
const longestSlice = 30

/** What a document says of them: empty and 0 where it is silent. */
export function readPools(fields: Fields): TenantPools {
  return {
    ...readSubnetPool(fields),
    vlans: readRanges(fields, 'VLANs', 'vlans'),
    vxlans: readRanges(fields, 'VXLANs', 'vxlans'),
    defaultNetType: fields.word('DefaultNetType', ['vlan', 'vxlan']),
  }
}

function readSubnetPool(fields: Fields): Pick<TenantPools, 'subnetPool' | 'allocSubnetLen'> {
  const text = fields.text('SubnetPool')
  const allocSubnetLen = fields.number('AllocSubnetLen', { max: longestSlice })
  if (text === '') return { subnetPool: '', allocSubnetLen }
  const pool = parseIpv4Prefix(text)
  if (pool === undefined || pool.length < 1 || pool.length > longestSlice) {
    fields.report(
      'SubnetPool',
      `is not an address with a length from 1 to 30, such as 11.1.0.0/16: ${JSON.stringify(text)}`,
    )
    return { subnetPool: '', allocSubnetLen }
  }
  if (allocSubnetLen !== 0 && allocSubnetLen < pool.length) {
    fields.report(
      'AllocSubnetLen',
      `${allocSubnetLen} makes subnets larger than SubnetPool ${text}; give ${pool.length} or more`,
    )
  }
  return { subnetPool: `${formatIpv4(pool.base)}/${pool.length}`, allocSubnetLen }
}

/** Ranges of tags in one spelling: `11-28`, or several with commas; a single tag is a range. */
function readRanges(fields: Fields, name: string, field: 'vlans' | 'vxlans'): string {
  const text = fields.text(name)
  if (text === '') return ''
  const pieces = field === 'vlans' ? text.split(',') : [text]
  const ranges: TagRange[] = []
  for (const piece of pieces) {
    const trimmed = piece.trim()
    const range = parseTagRange(field, /^\d+$/.test(trimmed) ? `${trimmed}-${trimmed}` : trimmed)
    if (!isProblem(range)) ranges.push(range)
    else {
      fields.report(name, `cannot be used: ${range.message}`)
      return ''
    }
  }
  return formatTagRanges(mergeIntervals(ranges))
}

function formatTagRanges(ranges: readonly TagRange[]): string {
  return ranges.map(({ first, last }) => `${first}-${last}`).join(',')
}

/** The ranges of a pool's text, ascending. */
export function tagRangesOf(text: string): TagRange[] {
  return text.split(',').map((piece) => {
    const [first = 0, last = first] = piece.split('-').map(Number)
    return { first, last }
  })
}
