// The port list of a rule, `80,443,8000-8100`: its text, and what may be wrong with it.

import type { Problem } from '../lib/errors.ts'
import { problem } from './body.ts'

export interface PortRange {
  readonly first: number
  readonly last: number
}

export const mostPortItems = 64
const highest = 65_535

const example = 'write ports as 80,443,8000-8100'

/** The ranges in the order given, overlapping where the text has them so; the problem names the item. */
export function readPorts(text: string): PortRange[] | Problem {
  const items = text.split(',')
  if (items.length > mostPortItems) {
    const message = `ports has ${items.length} items, and ${mostPortItems} are the most; write neighbours as a range, or make several rules`
    return wrong('RULE_PORTS_TOO_MANY', message)
  }
  const ranges: PortRange[] = []
  for (const item of items) {
    const range = readItem(item, text)
    if ('code' in range) return range
    ranges.push(range)
  }
  return ranges
}

function readItem(item: string, text: string): PortRange | Problem {
  if (item === '') return wrong('RULE_PORTS_EMPTY_ITEM', `ports "${text}" has an empty item; ${example}`)
  const [, low, high = low] = /^(\d+)(?:-(\d+))?$/.exec(item) ?? []
  if (low === undefined) {
    return wrong('RULE_PORTS_SYNTAX', `${JSON.stringify(item)} is neither a port nor a range; ${example}`)
  }
  const [first, last] = [Number(low), Number(high)]
  if (first > highest || last > highest) {
    return wrong('RULE_PORTS_TOO_HIGH', `ports ${item} is above ${highest}, the highest port there is`)
  }
  if (last < first) return wrong('RULE_PORTS_REVERSED', `ports ${item} ends before it begins; write ${high}-${low}`)
  if (last === 0) return wrong('RULE_PORTS_ZERO', 'ports 0 is no port; leave ports out for every port')
  return { first, last }
}

function wrong(code: string, message: string): Problem {
  return problem('invalid', code, message, { field: 'ports' })
}
