// Providers chosen by flows instead of groups: some bits of the packet are a slot, and each slot has a provider. When one goes its
// slots alone go to others, and one that comes takes no more than its share.
//
// Clients that stick to a provider: by the last bits of their addresses, alike on every host. Datagrams: by those of port and
// address, because the hash with which the switch takes buckets of a group leaves out the ports of UDP.

import { hash32 } from '../../../lib/hash.ts'
import type { Action, Flow } from '../../../protocols/openflow/index.ts'
import type { ServiceProvider } from '../../compile/node-services.ts'
import { flow, type TableMatch } from '../flow.ts'
import { priority } from '../priorities.ts'

type Translate = (provider: ServiceProvider) => Action

export function stickyFlows(
  match: TableMatch<'ServicePick'>,
  providers: readonly ServiceProvider[],
  translate: Translate,
): Flow[] {
  const slots = providerOfSlots(providers, powerOf2(64, 4 * providers.length))
  return slots.map((provider, slot) =>
    flow('service', 'ServicePick', priority.exact, { ...match, ipv4_src: lastBits(slot, slots.length) }, [
      translate(provider),
    ]),
  )
}

/** So many kinds of addresses: clients that all use the same port of their own are spread by these. */
const addresses = 4

export function datagramFlows(
  match: TableMatch<'ServicePick'>,
  providers: readonly ServiceProvider[],
  translate: Translate,
): Flow[] {
  const slots = providerOfSlots(providers, powerOf2(8, 2 * providers.length))
  return Array.from({ length: addresses }, (_, address) =>
    slots.map((_, port) => {
      const provider = slots[(port + (address * slots.length) / addresses + address) % slots.length]
      const udp_src = { value: port, mask: slots.length - 1 }
      return flow(
        'service',
        'ServicePick',
        priority.exact,
        { ...match, ipv4_src: lastBits(address, addresses), udp_src },
        provider === undefined ? [] : [translate(provider)],
      )
    }),
  ).flat()
}

function powerOf2(atLeast: number, wanted: number): number {
  let power = atLeast
  while (power < wanted && power < 1024) power *= 2
  return power
}

/** By slot: of the providers that have not their share yet, the one with the highest draw for the slot. */
export function providerOfSlots(providers: readonly ServiceProvider[], slots: number): readonly ServiceProvider[] {
  const share = Math.ceil(slots / Math.max(1, providers.length))
  const held = new Map<ServiceProvider, number>()
  const chosen: ServiceProvider[] = []
  for (let slot = 0; slot < slots; slot++) {
    let best: ServiceProvider | undefined
    let highest = -1
    for (const provider of providers) {
      if ((held.get(provider) ?? 0) >= share) continue
      const draw = hash32(`${slot} ${provider.ipv4} ${slot}`)
      if (draw > highest) [best, highest] = [provider, draw]
    }
    if (best === undefined) break
    held.set(best, (held.get(best) ?? 0) + 1)
    chosen.push(best)
  }
  return chosen
}

function lastBits(slot: number, slots: number) {
  const text = (value: number) => `0.0.${value >> 8}.${value & 255}`
  return { value: text(slot), mask: text(slots - 1) }
}
