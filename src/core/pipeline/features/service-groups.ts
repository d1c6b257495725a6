// OpenFlow groups of services: one for each port of TCP, with a bucket for each provider.

import { hash53 } from '../../../lib/hash.ts'
import type { ServicePort } from '../../../model/service-lb.ts'
import type { Group } from '../../../protocols/openflow/index.ts'
import type { ServiceProvider, ServiceView } from '../../compile/node-services.ts'
import { translate } from './service-parts.ts'

/** All groups of ours have numbers from here on. */
export const firstGroup = 0x4000_0000
/** One past the last. */
export const groupNumbersEnd = 0x8000_0000

/** Numbers of the groups of each service, by port: the same on every start. Only of TCP, and where clients do not stick to providers. */
export function groupNumbers(services: Iterable<ServiceView>): ReadonlyMap<string, ReadonlyMap<ServicePort, number>> {
  const taken = new Set<number>()
  const numbers = new Map<string, ReadonlyMap<ServicePort, number>>()
  for (const { key, ports, providers, affinity } of [...services].sort((a, b) => (a.key < b.key ? -1 : 1))) {
    const own = new Map<ServicePort, number>()
    for (const port of affinity || providers.length === 0 ? [] : ports) {
      if (port.protocol !== 'tcp') continue
      let number = firstGroup | Number(hash53(`${key} ${port.protocol} ${port.servicePort}`) & 0x3fff_ffffn)
      while (taken.has(number)) number = firstGroup | ((number + 1) & 0x3fff_ffff)
      taken.add(number)
      own.set(port, number)
    }
    numbers.set(key, own)
  }
  return numbers
}

/** By services; asked for in each pass. */
const groupsOf = new WeakMap<ReadonlyMap<string, ServiceView>, ReadonlyMap<number, Group>>()

/** Every group that flows of services use, by number: one bucket for each provider. */
export function desiredGroups(services: ReadonlyMap<string, ServiceView>): ReadonlyMap<number, Group> {
  const before = groupsOf.get(services)
  if (before !== undefined) return before
  const groups = new Map<number, Group>()
  for (const [key, numbers] of groupNumbers(services.values())) {
    for (const [port, id] of numbers) groups.set(id, groupOf(services.get(key)?.providers ?? [], port, id))
  }
  groupsOf.set(services, groups)
  return groups
}

/** What did not change is the same object. */
const known = new WeakMap<readonly ServiceProvider[], Map<string, Group>>()

function groupOf(providers: readonly ServiceProvider[], port: ServicePort, id: number): Group {
  const ofThese = known.get(providers) ?? new Map<string, Group>()
  known.set(providers, ofThese)
  const name = `${id} ${port.providerPort}`
  const before = ofThese.get(name)
  if (before !== undefined) return before
  const group: Group = {
    id,
    type: 'select',
    buckets: providers.map((provider) => ({ actions: [translate(provider, port)] })),
  }
  ofThese.set(name, group)
  return group
}
