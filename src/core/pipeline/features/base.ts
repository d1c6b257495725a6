// Flows that are there whatever the cluster holds.

import type { Flow } from '../../../protocols/openflow/index.ts'
import { finishAdvertisement } from '../answers.ts'
import { origin } from '../fields.ts'
import { flow, missFlows } from '../flow.ts'
import { is } from '../packets.ts'
import { priority } from '../priorities.ts'

export function baseFlows(): Flow[] {
  return [
    ...missFlows(),
    // Containers are no routers and no DHCP servers, whoever they claim to be.
    flow('base', 'SpoofGuard', priority.forbid, is.routerAdvertisement, []),
    flow('base', 'SpoofGuard', priority.forbid, is.redirect, []),
    flow('base', 'SpoofGuard', priority.forbid, is.dhcpServer, []),
    flow('base', 'SpoofGuard', priority.forbid, is.dhcp6Server, []),
    // Solicitations and advertisements pass only as the endpoint's own flows permit.
    flow('base', 'SpoofGuard', priority.forbid, is.neighbourSolicitation, []),
    flow('base', 'SpoofGuard', priority.forbid, is.neighbourAdvertisement, []),
    // Duplicate address detection: addresses are allocated, nobody needs to be asked, and an answer would be a "yes".
    flow('base', 'Neighbour', priority.forbid, { ...is.neighbourSolicitation, ipv6_src: '::' }, []),
    flow('base', 'NeighbourAnswer', priority.exact, is.neighbourAdvertisement, finishAdvertisement()),
    // What no flow of a network claims is not flooded.
    flow('base', 'Neighbour', priority.rest, is.arp, []),
    flow('base', 'Neighbour', priority.rest, is.neighbourSolicitation, []),
    // The sender's host has routed what comes from elsewhere.
    flow('base', 'Route', priority.self, { Origin: origin.tunnel }, [{ goto: 'Forward' }]),
    flow('base', 'Route', priority.self, { Origin: origin.uplink }, [{ goto: 'Forward' }]),
    // A packet for another subnet crosses a router.
    flow('base', 'Route', priority.rest, { ...is.ipv4, Routed: 1 }, [{ type: 'dec_ttl' }, { goto: 'Forward' }]),
    flow('base', 'Route', priority.rest, { ...is.ipv6, Routed: 1 }, [{ type: 'dec_ttl' }, { goto: 'Forward' }]),
    flow('base', 'Route', priority.rest, { Routed: 0 }, [{ goto: 'Forward' }]),
    flow('base', 'Output', priority.rest, {}, [{ type: 'output_field', from: { field: 'reg3', offset: 0, bits: 16 } }]),
  ]
}
