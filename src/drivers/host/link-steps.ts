// Steps that are the same on the host and in a container: one netlink call each, in the namespace of the connection.

import { type HostStep, ownRouteProtocol } from '../../core/plan/host.ts'
import { unreachable } from '../../lib/errors.ts'
import type { Netlink } from '../../protocols/netlink/index.ts'

export type LinkStep = Extract<
  HostStep,
  { readonly kind: 'set-link' | 'add-address' | 'delete-address' | 'add-route' | 'delete-route' }
>

export function runLinkStep(netlink: Netlink, step: LinkStep): void {
  switch (step.kind) {
    case 'set-link': {
      const { kind: _, name: __, index, isFar: ___, ...change } = step
      netlink.setLink(index, change)
      break
    }
    case 'add-address':
      // Addresses are netmaster's to keep apart, and hosts have the same one on purpose: no search for duplicates.
      netlink.addAddress(step.index, step.address, { nodad: true })
      break
    case 'delete-address':
      netlink.deleteAddress(step.index, step.address)
      break
    case 'add-route':
    case 'delete-route': {
      const { kind, index: deviceIndex, ...route } = step
      const options = { ...route, deviceIndex, protocol: ownRouteProtocol }
      if (kind === 'add-route') netlink.addRoute(options)
      else netlink.deleteRoute(options)
      break
    }
    default:
      unreachable(step)
  }
}
