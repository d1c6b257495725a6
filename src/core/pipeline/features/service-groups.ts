// OpenFlow groups of services: one for each port of TCP, with a bucket for each provider. For more buckets than the datapath
// chooses from, Open vSwitch decides on each connection in its slow path; so many providers are dealt to several groups.

import { hash53 } from '../../../lib/hash.ts'
import type { ServicePort } from '../../../model/service-lb.ts'
import type { Group } from '../../../protocols/openflow/index.ts'
import type { ServiceProvider, ServiceView } from '../../compile/node-services.ts'
import { translate } from './service-parts.ts'

/** All groups of ours have numbers from here on. */
export const firstGroup = 0x4000_0000
/** One past the last. */
export const groupNumbersEnd = 0x8000_0000

/** Among more buckets no hash of the datapath chooses: Open vSwitch maps 256 hashes at most (MAX_SELECT_GROUP_HASH_VALUES). */
const mostBuckets = 256
const mostGroups = 64

/** Of one port: a power of two. */
export type GroupNumbers = ReadonlyMap<ServicePort, readonly number[]>

/** Numbers of the groups of each service, by port: the same on every start. Only of TCP, and where clients do not stick to providers. */
export function groupNumbers(services: Iterable<ServiceView>): ReadonlyMap<string, GroupNumbers> {
  const taken = new Set<number>()
  const numbers = new Map<string, GroupNumbers>()
  for (const { key, ports, providers, affinity } of [...services].sort((a, b) => (a.key < b.key ? -1 : 1))) {
    const own = new Map<ServicePort, readonly number[]>()
    for (const port of affinity || providers.length === 0 ? [] : ports) {
      if (port.protocol !== 'tcp') continue
      const name = `${key} ${port.protocol} ${port.servicePort}`
      const names = Array.from({ length: groupsFor(providers.length) }, (_, group) =>
        group === 0 ? name : `${name} ${group}`,
      )
      own.set(
        port,
        names.map((one) => freeNumber(one, taken)),
      )
    }
    numbers.set(key, own)
  }
  return numbers
}

function groupsFor(providers: number): number {
  let groups = 1
  while (groups * mostBuckets < providers && groups < mostGroups) groups *= 2
  return groups
}

function freeNumber(name: string, taken: Set<number>): number {
  let number = firstGroup | Number(hash53(name) & 0x3fff_ffffn)
  while (taken.has(number)) number = firstGroup | ((number + 1) & 0x3fff_ffff)
  taken.add(number)
  return number
}

/** By services; asked for in each pass. */
const groupsOf = new WeakMap<ReadonlyMap<string, ServiceView>, ReadonlyMap<number, Group>>()

/** Every group that flows of services use, by number. */
export function desiredGroups(services: ReadonlyMap<string, ServiceView>): ReadonlyMap<number, Group> {
  const before = groupsOf.get(services)
  if (before !== undefined) return before
  const groups = new Map<number, Group>()
  for (const [key, numbers] of groupNumbers(services.values())) {
    const providers = services.get(key)?.providers ?? []
    for (const [port, ids] of numbers) {
      for (const [group, id] of ids.entries()) groups.set(id, groupOf(providers, { port, id, group, of: ids.length }))
    }
  }
  groupsOf.set(services, groups)
  return groups
}

/** What did not change is the same object. */
const known = new WeakMap<readonly ServiceProvider[], Map<string, Group>>()

interface Part {
  readonly port: ServicePort
  readonly id: number
  /** The how manieth of how many. */
  readonly group: number
  readonly of: number
}

function groupOf(providers: readonly ServiceProvider[], { port, id, group, of }: Part): Group {
  const ofThese = known.get(providers) ?? new Map<string, Group>()
  known.set(providers, ofThese)
  const name = `${id} ${port.providerPort} ${group} ${of}`
  const before = ofThese.get(name)
  if (before !== undefined) return before
  const own = providers.filter((_, index) => index % of === group)
  const made: Group = {
    id,
    type: 'select',
    buckets: own.map((provider) => ({ actions: [translate(provider, port)] })),
  }
  ofThese.set(name, made)
  return made
}
