// Exactly how many flows policy is on a host: as its agent renders them. Costs as much time as the agent's first pass.

import type { ClusterState } from '../../model/state.ts'
import { NodeCompiler } from '../compile/compile-node.ts'
import { PolicyFlows } from '../pipeline/policy-flows.ts'

/** Counts for one host; what states have in common is rendered once. */
export class HostFlows {
  readonly #compiler: NodeCompiler
  readonly #flows = new PolicyFlows()

  constructor(host: string) {
    this.#compiler = new NodeCompiler(host)
  }

  count(state: ClusterState): number {
    return this.#flows.count(this.#compiler.compile(state))
  }
}
