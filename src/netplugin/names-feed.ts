// What the DNS server of this host is told, on one connection: everything at first, then what is new.

import type { NodeNetwork } from '../core/compile/node-network.ts'
import { type Asker, type FeedMessage, membersInMessage } from '../core/names/feed.ts'
import { type Member, MemberDiff } from '../core/names/members.ts'
import { sameItems } from '../lib/same.ts'
import type { ClusterState } from '../model/state.ts'

/** What names follow from. */
export interface NamesView {
  readonly state: ClusterState
  /** As of the last pass. */
  readonly network: NodeNetwork
  readonly ofPorts: ReadonlyMap<string, number>
  /** What has names besides containers. */
  readonly others: readonly Member[]
}

export class NamesFeed {
  readonly #members = new MemberDiff()
  #host = ''
  #begun = false
  #inputs: readonly unknown[] = []

  /** In the order to be said; empty when nothing is new. */
  next({ state, network, ofPorts, others }: NamesView): readonly FeedMessage[] {
    const inputs = [state.endpoints, network.local, network.pvtSubnet, ofPorts, others]
    if (sameItems(inputs, this.#inputs)) return []
    this.#inputs = inputs
    const askers = askersOf(network, ofPorts)
    const tenants = [...new Set(askers.map(({ tenant }) => tenant))].sort()
    const { set, gone } = this.#members.changes(state, tenants, others)
    const messages: FeedMessage[] = []
    for (let at = 0; at < Math.max(set.length, gone.length); at += membersInMessage) {
      const until = at + membersInMessage
      messages.push({ type: 'members', set: set.slice(at, until), gone: gone.slice(at, until) })
    }
    const host: FeedMessage = { type: 'host', pvtSubnet: network.pvtSubnet, askers }
    const said = JSON.stringify(host)
    if (said !== this.#host) messages.push(host)
    this.#host = said
    if (this.#begun) return messages
    this.#begun = true
    return [{ type: 'begin' }, ...messages, { type: 'end' }]
  }
}

function askersOf(network: NodeNetwork, ofPorts: ReadonlyMap<string, number>): readonly Asker[] {
  const askers: Asker[] = []
  for (const endpoint of network.local.values()) {
    const port = ofPorts.get(endpoint.portName)
    const [tenant = '', name = ''] = endpoint.network.key.split(':')
    if (port !== undefined) askers.push({ port, tenant, network: name })
  }
  return askers.sort((a, b) => a.port - b.port)
}
