// Addresses for endpoints: reserved for a node, taken by an endpoint, given back. All decisions are pure.

import { canonicalIpv6, parseIpv4 } from '../lib/address.ts'
import type { Problem } from '../lib/errors.ts'
import { isProblem, problem } from '../model/body.ts'
import type { AddressOwner, GrantChange } from '../model/grant.ts'
import type { AllocAddressAnswer, AllocAddressBody, ReleaseAddressAnswer, ReleaseAddressBody } from '../model/plugin.ts'
import { type Decision, unchanged } from './decision.ts'
import { resolveNetwork } from './network-reference.ts'
import { describePlace } from './objects/endpoints.ts'
import type { View } from './tables.ts'

/** How long an address is held for a node that does not use it. */
export const reservationMs = 60_000

export interface AddressRequest {
  readonly networkKey: string
  /** Key, or empty. */
  readonly groupKey: string
  readonly family: 'ipv4' | 'ipv6'
  /** Empty: the lowest free one. */
  readonly wanted: string
}

/** The address to give; `mayTake` says whose reservation may be taken over. */
export function chooseAddress(
  view: View,
  request: AddressRequest,
  mayTake: (owner: AddressOwner) => boolean,
): string | Problem {
  const addresses = view.addresses(request.networkKey)
  const { family, groupKey, wanted } = request
  if (wanted === '') return family === 'ipv4' ? addresses.nextIpv4(groupKey) : addresses.nextIpv6()
  const address = family === 'ipv4' ? addresses.checkIpv4(groupKey, wanted) : addresses.checkIpv6(wanted)
  if (isProblem(address)) return address
  const owner = addresses.ownerOf(address)
  if (owner === undefined || mayTake(owner)) return address
  const message = `address ${address} of network ${request.networkKey} is in use by ${nameOwner(view, owner)}; choose another`
  return problem('conflict', 'ADDRESS_IN_USE', message, { address, holder: holderOf(owner) })
}

/** For programs: an endpoint's id, a service's key, or whose reservation it is. */
function holderOf(owner: AddressOwner): string {
  switch (owner.type) {
    case 'endpoint':
      return owner.id
    case 'service':
      return owner.key
    case 'reservation':
      return `reservation of ${owner.node}`
  }
}

/** For persons. */
export function nameOwner(view: View, owner: AddressOwner): string {
  if (owner.type === 'reservation') return `a container that is just starting on ${owner.node || 'a node'}`
  if (owner.type === 'service') return `service ${owner.key}`
  const endpoint = view.endpoints.get(owner.id)
  return endpoint === undefined ? `endpoint ${owner.id}` : describePlace(endpoint)
}

/** Reserves an address for a node; `now` in ms since the epoch. */
export function allocAddress(view: View, body: AllocAddressBody, now: number): Decision<AllocAddressAnswer> | Problem {
  const referred = resolveNetwork(view, body)
  if (isProblem(referred)) return referred
  const { networkKey, groupKey, network } = referred
  const family = body.IPv6 || body.PreferredIPv6Address !== '' ? 'ipv6' : 'ipv4'
  const wanted = family === 'ipv4' ? body.PreferredIPv4Address : body.PreferredIPv6Address
  const { Node: node, Request: request } = body
  const before = request === '' ? undefined : reservedBy(view, { network: networkKey, node, request, family })
  const address = before ?? chooseAddress(view, { networkKey, groupKey, family, wanted }, () => false)
  if (isProblem(address)) return address
  const owner: AddressOwner = { type: 'reservation', node, at: now, ...(request === '' ? {} : { request }) }
  const { ipv4, ipv6 } = view.addresses(networkKey).addressing
  const NetworkID = body.NetworkID === '' ? `${network.networkName}.${network.tenantName}` : body.NetworkID
  return {
    records: [],
    grants: [{ kind: 'address', network: networkKey, address, owner }],
    result: {
      NetworkID,
      IPv4Address: family === 'ipv4' ? `${address}/${ipv4.length}` : '',
      IPv6Address: family === 'ipv6' ? `${address}/${ipv6?.length ?? 128}` : '',
    },
  }
}

/** What the same request got before: its answer was lost. */
function reservedBy(
  view: View,
  wanted: { readonly network: string; readonly node: string; readonly request: string; readonly family: string },
): string | undefined {
  for (const { network, address, node, request } of view.reservations.values()) {
    const family = address.includes(':') ? 'ipv6' : 'ipv4'
    if (request !== wanted.request || node !== wanted.node) continue
    if (network === wanted.network && family === wanted.family) return address
  }
  return undefined
}

/** Frees a reservation. An address nobody holds, or that an endpoint holds, stays as it is: both are no error. */
export function releaseAddress(view: View, body: ReleaseAddressBody): Decision<ReleaseAddressAnswer> | Problem {
  const [text = ''] = (body.IPv4Address === '' ? body.IPv6Address : body.IPv4Address).split('/')
  const address = parseIpv4(text) === undefined ? canonicalIpv6(text) : text
  if (address === undefined) {
    return problem('invalid', 'INVALID_ADDRESS', `${JSON.stringify(text)} is not an address`, { field: 'IPv4Address' })
  }
  const kept = unchanged<ReleaseAddressAnswer>({ status: 'success', released: false })
  const referred = resolveNetwork(view, body)
  // The network may be gone before its last address is given back.
  if (isProblem(referred)) return referred.kind === 'not-found' ? kept : referred
  const owner = view.addresses(referred.networkKey).ownerOf(address)
  if (owner?.type !== 'reservation') return kept
  if (owner.node !== '' && body.Node !== '' && owner.node !== body.Node) return kept
  return {
    records: [],
    grants: [{ kind: 'address', network: referred.networkKey, address, owner: null }],
    result: { status: 'success', released: true },
  }
}

/** Frees reservations that were not used in time; answers how many. */
export function freeOldReservations(view: View, now: number): Decision<number> {
  const grants: GrantChange[] = []
  for (const { network, address, at } of view.reservations.values()) {
    if (at + reservationMs <= now) grants.push({ kind: 'address', network, address, owner: null })
  }
  return { records: [], grants, result: grants.length }
}
