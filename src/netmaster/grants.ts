// Everything that was granted, in memory: numbers by pool, addresses by network. Made from the store's grants at start
// and changed by each transaction; finds the lowest free of each.

import {
  type Addressing,
  checkRequestedIpv4,
  checkRequestedIpv6,
  describeNetwork,
  describePool,
  hostIdOf,
  type Ipv4Scope,
  lowestFreeIpv4,
  lowestFreeIpv6,
  parseAddressing,
} from '../core/allocate/address-pool.ts'
import { type Interval, NumberSet } from '../core/allocate/number-set.ts'
import { parseIpv4Pool } from '../core/allocate/subnet.ts'
import { formatIpv4, formatIpv6, parseIpv4, parseIpv6 } from '../lib/address.ts'
import { type Problem, raise } from '../lib/errors.ts'
import { isProblem, problem } from '../model/body.ts'
import type { AddressOwner, NumberPool } from '../model/grant.ts'
import type { GroupRecord, NetworkRecord } from '../model/state.ts'

/** One pool of numbers and who holds each. */
export class NumberGrants {
  readonly #taken = new NumberSet(1)
  readonly #owners = new Map<number, string>()

  ownerOf(number: number): string | undefined {
    return this.#owners.get(number)
  }

  lowestFree(range: Interval): number | undefined {
    return this.#taken.lowestFree(range.first, range.last)
  }

  set(number: number, owner: string | null): void {
    if (owner === null) {
      this.#taken.delete(number)
      this.#owners.delete(number)
    } else {
      this.#taken.add(number)
      this.#owners.set(number, owner)
    }
  }

  get size(): number {
    return this.#owners.size
  }

  intervals(): readonly Interval[] {
    return this.#taken.intervals()
  }

  entries(): Iterable<[number, string]> {
    return this.#owners
  }
}

/** The addresses of one network and who holds each. */
export class AddressGrants {
  readonly addressing: Addressing
  readonly #ipv4: NumberSet
  readonly #ipv6 = new NumberSet(1)
  readonly #owners = new Map<string, AddressOwner>()
  readonly #pools = new Map<string, Interval>()

  constructor(network: NetworkRecord) {
    const addressing = parseAddressing(network)
    if (isProblem(addressing)) raise(addressing)
    this.addressing = addressing
    const { ipv4, gateway, ipv6, ipv6Gateway } = addressing
    this.#ipv4 = new NumberSet(ipv4.hosts.first)
    if (gateway !== undefined) this.#ipv4.add(gateway)
    const gatewayId = ipv6 === undefined || ipv6Gateway === undefined ? undefined : hostIdOf(ipv6, ipv6Gateway)
    if (gatewayId !== undefined) this.#ipv6.add(gatewayId)
  }

  /** The same holders and pools after the network's addressing changed. */
  readdressed(network: NetworkRecord): AddressGrants {
    const next = new AddressGrants(network)
    for (const [address, owner] of this.#owners) next.set(address, owner)
    for (const [group, pool] of this.#pools) next.#pools.set(group, pool)
    return next
  }

  /** How many addresses endpoints, services and reservations hold, IPv4 and IPv6. */
  get size(): number {
    return this.#owners.size
  }

  ownerOf(address: string): AddressOwner | undefined {
    return this.#owners.get(address)
  }

  owners(): ReadonlyMap<string, AddressOwner> {
    return this.#owners
  }

  set(address: string, owner: AddressOwner | null): void {
    if (owner === null) this.#owners.delete(address)
    else this.#owners.set(address, owner)
    const ipv4 = parseIpv4(address)
    if (ipv4 !== undefined) change(this.#ipv4, ipv4, owner)
    const ipv6 = ipv4 === undefined ? parseIpv6(address) : undefined
    if (ipv6 === undefined || this.addressing.ipv6 === undefined) return
    const id = hostIdOf(this.addressing.ipv6, ipv6)
    if (id !== undefined) change(this.#ipv6, id, owner)
  }

  /** Keeps a group's pool for it; a group without a pool keeps nothing. */
  setPool(group: string, record: GroupRecord | null): void {
    const pool = record === null || record.ipPool === '' ? undefined : parseIpv4Pool(record.ipPool)
    if (pool === undefined) this.#pools.delete(group)
    else if (isProblem(pool)) raise(pool)
    else this.#pools.set(group, pool)
  }

  poolOf(group: string): Interval | undefined {
    return this.#pools.get(group)
  }

  /** The pools of groups, by group. */
  pools(): ReadonlyMap<string, Interval> {
    return this.#pools
  }

  /** Some address in the range that is held, or undefined. The gateway counts. */
  heldIn(range: Interval): string | undefined {
    const held = this.#ipv4.intervals().find(({ first, last }) => first <= range.last && last >= range.first)
    return held === undefined ? undefined : formatIpv4(Math.max(held.first, range.first))
  }

  /** Lowest free address for an endpoint of this group (empty: of no group). */
  nextIpv4(group: string): string | Problem {
    const free = lowestFreeIpv4(this.#scope(group), this.#ipv4)
    return typeof free === 'number' ? formatIpv4(free) : free
  }

  nextIpv6(): string | Problem {
    const { ipv6 } = this.addressing
    if (ipv6 === undefined) return problem('invalid', 'NO_IPV6', 'the network has no IPv6 subnet')
    const free = lowestFreeIpv6(ipv6, this.#ipv6)
    return typeof free === 'bigint' ? formatIpv6(free) : free
  }

  /** Canonical text of an address that may be given on request, apart from who holds it. */
  checkIpv4(group: string, text: string): string | Problem {
    const address = checkRequestedIpv4(this.#scope(group), text)
    return typeof address === 'number' ? formatIpv4(address) : address
  }

  checkIpv6(text: string): string | Problem {
    const { ipv6, ipv6Gateway } = this.addressing
    if (ipv6 === undefined) return problem('invalid', 'NO_IPV6', 'the network has no IPv6 subnet')
    const address = checkRequestedIpv6(ipv6, ipv6Gateway, text)
    return typeof address === 'bigint' ? formatIpv6(address) : address
  }

  /** Ranges of IPv4 addresses; of the group's pool when it has one. */
  describe(group: string): { readonly allocated: string; readonly available: string } {
    const pool = this.#pools.get(group)
    return pool === undefined ? describeNetwork(this.#scope(''), this.#ipv4) : describePool(pool, this.#ipv4)
  }

  #scope(group: string): Ipv4Scope {
    const { ipv4, gateway } = this.addressing
    return { subnet: ipv4, gateway, pools: [...this.#pools.values()], pool: this.#pools.get(group) }
  }
}

function change(set: NumberSet, value: number, owner: AddressOwner | null): void {
  if (owner === null) set.delete(value)
  else set.add(value)
}

export type NumberGrantsByPool = Readonly<Record<NumberPool, NumberGrants>>
