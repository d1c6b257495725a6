// Which endpoints of this host listen to which groups, as they say themselves (RFC 3376, RFC 3810), until they say otherwise
// or nothing any more. An endpoint about which that is not known gets everything.

import type { MembersHere } from '../core/compile/node-multicast.ts'
import { membershipMs } from '../core/multicast/queries.ts'
import type { Heard } from '../core/multicast/reports.ts'
import { maxGroups } from '../model/multicast.ts'

/** Last member query interval, and how often is asked (RFC 3376 sections 8.8, 8.9). */
export const lastMemberMs = 1_000
const lastMemberQueries = 2

/** A question to be put to an endpoint. */
export interface Question {
  readonly endpointId: string
  readonly group: string
}

interface Member {
  /** When it is none any more. */
  until: number
  /** Of one that may have left: when it is asked again. */
  askAt: number | undefined
}

interface Network {
  /** By endpoint: until when it gets everything. */
  readonly everything: Map<string, number>
  readonly groups: Map<string, Map<string, Member>>
  /** undefined: something changed since. */
  view: MembersHere | undefined
}

export class GroupMembers {
  readonly #networks = new Map<string, Network>()
  #view: ReadonlyMap<string, MembersHere> | undefined
  #version = 0

  /** Grows with each change of what `view` says, which takes longer to tell. */
  get version(): number {
    return this.#version
  }

  /** By network; the same objects while they say the same. A network that is not in it is not known at all. */
  view(): ReadonlyMap<string, MembersHere> {
    if (this.#view !== undefined) return this.#view
    const view = new Map<string, MembersHere>()
    for (const [key, network] of this.#networks) {
      network.view ??= viewOf(network)
      view.set(key, network.view)
    }
    this.#view = view
    return view
  }

  /** From now on its members are known, but for those that `everything` sets aside. */
  open(network: string): void {
    if (this.#networks.has(network)) return
    this.#networks.set(network, { everything: new Map(), groups: new Map(), view: undefined })
    this.#changed()
  }

  /** What is known about a network is forgotten, and so is that it is known. */
  close(network: string): void {
    if (this.#networks.delete(network)) this.#changed()
  }

  /** The endpoint gets everything of the network until then. */
  everything(network: string, endpointId: string, until: number): void {
    const known = this.#networks.get(network)
    if (known === undefined) return
    if (!known.everything.has(endpointId)) this.#touch(known)
    known.everything.set(endpointId, Math.max(until, known.everything.get(endpointId) ?? 0))
  }

  /** Takes what an endpoint said; answers what it is to be asked at once. Nothing of networks that are not open. */
  heard(network: string, endpointId: string, said: readonly Heard[], now: number): readonly Question[] {
    const known = this.#networks.get(network)
    if (known === undefined) return []
    const questions: Question[] = []
    for (const { group, what } of said) {
      if (what === 'member') this.#join(known, network, { endpointId, group }, now)
      else if (leave(known.groups.get(group)?.get(endpointId), now)) questions.push({ endpointId, group })
    }
    return questions
  }

  /** Whom to ask again by now; who has not answered is no member any more. */
  pass(now: number): readonly Question[] {
    const questions: Question[] = []
    for (const network of this.#networks.values()) {
      for (const [endpointId, until] of network.everything) {
        if (until > now) continue
        network.everything.delete(endpointId)
        this.#touch(network)
      }
      for (const [group, members] of network.groups) {
        for (const [endpointId, member] of members) {
          if (member.until <= now) this.#drop(network, group, endpointId)
          else if (member.askAt !== undefined && member.askAt <= now) {
            member.askAt = undefined
            questions.push({ endpointId, group })
          }
        }
      }
    }
    return questions
  }

  /** When `pass` has something to do next. */
  next(): number {
    let next = Number.POSITIVE_INFINITY
    for (const { everything, groups } of this.#networks.values()) {
      for (const until of everything.values()) next = Math.min(next, until)
      for (const members of groups.values()) {
        for (const { until, askAt } of members.values()) next = Math.min(next, until, askAt ?? until)
      }
    }
    return next
  }

  /** Of endpoints that are gone nothing is known. */
  keep(isHere: (endpointId: string, network: string) => boolean): void {
    for (const [key, network] of this.#networks) {
      for (const endpointId of network.everything.keys()) {
        if (isHere(endpointId, key)) continue
        network.everything.delete(endpointId)
        this.#touch(network)
      }
      for (const [group, members] of network.groups) {
        for (const endpointId of members.keys()) if (!isHere(endpointId, key)) this.#drop(network, group, endpointId)
      }
    }
  }

  #join(network: Network, key: string, { endpointId, group }: Question, now: number): void {
    const until = now + membershipMs
    const members = network.groups.get(group)
    const member = members?.get(endpointId)
    if (member !== undefined) {
      Object.assign(member, { until, askAt: undefined })
      return
    }
    if (members === undefined && network.groups.size >= maxGroups) {
      this.everything(key, endpointId, until)
      return
    }
    const grown = members ?? new Map<string, Member>()
    grown.set(endpointId, { until, askAt: undefined })
    network.groups.set(group, grown)
    this.#touch(network)
  }

  #drop(network: Network, group: string, endpointId: string): void {
    const members = network.groups.get(group)
    members?.delete(endpointId)
    if (members?.size === 0) network.groups.delete(group)
    this.#touch(network)
  }

  #touch(network: Network): void {
    network.view = undefined
    this.#changed()
  }

  #changed(): void {
    this.#view = undefined
    this.#version++
  }
}

/** Whether it is to be asked: it is a member that was not about to leave already. */
function leave(member: Member | undefined, now: number): boolean {
  const until = now + lastMemberQueries * lastMemberMs
  if (member === undefined || member.until <= until) return false
  member.until = until
  member.askAt = now + lastMemberMs
  return true
}

function viewOf({ everything, groups }: Network): MembersHere {
  return {
    everything: new Set(everything.keys()),
    groups: new Map([...groups].map(([group, members]) => [group, new Set(members.keys())])),
  }
}
