// Endpoints that went. Their flows go at once; their ports and links stay a moment longer and then go a few at a time,
// because the switch stands still for about 10 ms with each port that it gives up, and all traffic with it.

import type { LocalEndpoint, NodeNetwork } from '../core/compile/node-network.ts'

/** Go together: two, or a tenth of what waits, so that the number waiting stays bounded however fast they come. */
const atOnce = (waiting: number) => Math.max(2, Math.ceil(waiting / 10))

export class Departures {
  readonly #waiting = new Map<string, LocalEndpoint>()
  #local: NodeNetwork['local'] = new Map()

  /** How many ports and links stay although their endpoints are gone. */
  get size(): number {
    return this.#waiting.size
  }

  /** Takes in which endpoints there are now; those of last time that are not among them wait from here on. */
  note(local: NodeNetwork['local']): void {
    for (const [id, endpoint] of this.#local) if (!local.has(id)) this.#waiting.set(id, endpoint)
    for (const id of local.keys()) this.#waiting.delete(id)
    this.#local = local
  }

  /** Theirs are others' by now. */
  drop(ids: readonly string[]): void {
    for (const id of ids) this.#waiting.delete(id)
  }

  /** Lets the first few go. */
  release(): void {
    for (const id of [...this.#waiting.keys()].slice(0, atOnce(this.#waiting.size))) this.#waiting.delete(id)
  }

  /**
   * The network with those that wait among its endpoints: what must have a port. One whose link is gone already, with its
   * container, does not wait any longer.
   */
  stayingIn(network: NodeNetwork, links: ReadonlyMap<string, unknown>): NodeNetwork {
    for (const [id, { portName }] of this.#waiting) if (!links.has(portName)) this.#waiting.delete(id)
    if (this.#waiting.size === 0) return network
    return { ...network, local: new Map([...network.local, ...this.#waiting]) }
  }
}
