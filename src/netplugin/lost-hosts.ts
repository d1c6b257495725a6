// The cluster without hosts that nobody hears of: no tunnel leads there, and nothing that is there has a name or serves.
// Their records stay with netmaster, so that they are back at once when they are heard again.

import { copyOfMap, mapChanges, putInto } from '../lib/map-changes.ts'
import type { ClusterState, EndpointRecord, NodeRecord } from '../model/state.ts'

type Endpoints = ClusterState['endpoints']

export class LostHosts {
  readonly #own: string
  #nodes: ClusterState['nodes'] | undefined
  #lost: ReadonlySet<string> = new Set()
  #without: ClusterState['nodes'] = new Map()
  #from: Endpoints | undefined
  #endpoints: Endpoints = new Map()

  /** `node`: this host, which is not lost to itself. */
  constructor({ node }: { readonly node: string }) {
    this.#own = node
  }

  /** The same maps as long as nothing changed in them. */
  without(state: ClusterState): ClusterState {
    if (state.nodes !== this.#nodes) this.#readNodes(state.nodes)
    if (this.#lost.size === 0) {
      this.#from = undefined
      return state
    }
    if (state.endpoints !== this.#from) this.#readEndpoints(state.endpoints)
    return { ...state, nodes: this.#without, endpoints: this.#endpoints }
  }

  #readNodes(nodes: ClusterState['nodes']): void {
    this.#nodes = nodes
    const isLost = ({ node, lost }: NodeRecord) => lost !== undefined && node !== this.#own
    const lost = new Set([...nodes.values()].filter(isLost).map(({ node }) => node))
    if ([...lost].join(' ') !== [...this.#lost].join(' ')) this.#from = undefined
    this.#lost = lost
    this.#without = new Map(
      [...nodes].map(([name, record]) => [name, isLost(record) ? { ...record, vtep: '' } : record]),
    )
  }

  #readEndpoints(endpoints: Endpoints): void {
    const isThere = (record: EndpointRecord | undefined) => record !== undefined && !this.#lost.has(record.node)
    if (this.#from === undefined) {
      this.#endpoints = new Map([...endpoints].filter(([, record]) => isThere(record)))
    } else {
      // As a copy, so that whoever compares looks at what changed only.
      const next = copyOfMap(this.#endpoints)
      for (const { key, after } of mapChanges(this.#from, endpoints))
        putInto(next, key, isThere(after) ? after : undefined)
      this.#endpoints = next
    }
    this.#from = endpoints
  }
}
