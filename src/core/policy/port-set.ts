// Which destination ports a rule means, and how a match selects them.

import { isProblem } from '../../model/body.ts'
import { type PortRange, readPorts } from '../../model/rule-ports.ts'
import { formatIntervals, mergeIntervals } from '../allocate/intervals.ts'
import { rangeBlocks } from './blocks.ts'

/** Sorted and merged; empty stands for every port. */
export type PortSet = readonly PortRange[]

/** What a rule's attributes mean; undefined where they are no ports. */
export function portsOf(port: number, ports = ''): PortSet | undefined {
  if (ports === '') return port === 0 ? [] : [{ first: port, last: port }]
  const ranges = readPorts(ports)
  return isProblem(ranges) ? undefined : mergeIntervals(ranges)
}

/** A list as it is kept and shown; the text itself where it is none. */
export function normalPorts(ports: string): string {
  const ranges = portsOf(0, ports)
  return ranges === undefined ? ports : formatIntervals(ranges, String).replaceAll(', ', ',')
}

/** As matches take them, at most 30 for a range; undefined is any port. */
export function portMatches(
  ports: PortSet,
): (number | { readonly value: number; readonly mask: number } | undefined)[] {
  return ports.flatMap(({ first, last }) => {
    // Most are one port.
    if (first === last) return [first]
    return rangeBlocks({ first: BigInt(first), last: BigInt(last) }, 16).map(({ base, length }) => {
      if (length === 0) return undefined
      return length === 16 ? Number(base) : { value: Number(base), mask: (0xffff << (16 - length)) & 0xffff }
    })
  })
}
