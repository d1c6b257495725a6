// The flows of policy alone, as a node has them: for those who explain and count them, and have no switch.

import type { Flow } from '../../protocols/openflow/index.ts'
import type { NodeNetwork } from '../compile/node-network.ts'
import { isOf } from './cookies.ts'
import { Renderer } from './render.ts'

/** Renders like its like on the node; what did not change since the last call is not made again. */
export class PolicyFlows {
  readonly #renderer = new Renderer()

  render(network: NodeNetwork): readonly Flow[] {
    // Flows of policy need no port numbers; those that do are of others.
    const bare = { ...network, networks: new Map(), local: new Map(), remote: new Map(), services: new Map() }
    const sets = this.#renderer.render(bare, { ofPorts: new Map(), nameservers: [] })
    return [...sets.values()].flat()
  }

  /** How many of them are there because of policy. */
  count(network: NodeNetwork): number {
    return this.render(network).filter(({ cookie }) => isOf('policy', cookie)).length
  }
}
