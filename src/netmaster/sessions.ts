// Requests of nodes that come too late (docs/adr/0038-late-requests.md): the number that a request carries is stored with the node
// in the commit that does what it asks for, and what has a lower one is refused.

import { type Problem, raise } from '../lib/errors.ts'
import { isProblem, problem } from '../model/body.ts'
import type { Cluster, Outcome } from './cluster.ts'
import type { Decide, Decision } from './decision.ts'
import type { View } from './tables.ts'

/** Who asks, in which session; without one nothing is known about its order. */
export interface NodeRequest {
  readonly Node: string
  readonly Session?: number | undefined
}

/** As `Cluster.transact`; throws SESSION_OLD and NODE_UNREGISTERED, too. */
export async function transactInSession<R>(
  cluster: Cluster,
  request: NodeRequest,
  decide: Decide<R>,
): Promise<Outcome<R>> {
  const { result, revision } = await cluster.transact((view) => inSession(view, request, decide))
  return isProblem(result) ? raise(result) : { result, revision }
}

/** Nothing that the node sent in earlier sessions is done afterwards, even where this is refused. */
export function inSession<R>(
  view: View,
  { Node, Session }: NodeRequest,
  decide: Decide<R>,
): Decision<R | Problem> | Problem {
  if (Session === undefined) return decide(view)
  const node = view.nodes.get(Node)
  if (node === undefined) return unregistered(Node)
  const known = node.session ?? 0
  if (Session < known) return late(Node, known)
  const decision = decide(view)
  if (Session === known) return decision
  const heard = { kind: 'node', key: Node, value: { ...node, session: Session } } as const
  if (isProblem(decision)) return { records: [heard], grants: [], result: decision }
  return { ...decision, records: [heard, ...decision.records] }
}

/** The node has been answered something that it asked for later. */
export function late(node: string, session: number): Problem {
  const message = `node ${node} sent this before something else that was done since; it is to be sent again if it is still wanted`
  return problem('conflict', 'SESSION_OLD', message, { session })
}

/** Whoever removed the node may have taken what this would bring back. */
function unregistered(node: string): Problem {
  const message = `node ${node} is not registered (any more); netplugin registers it within seconds: try again`
  return problem('conflict', 'NODE_UNREGISTERED', message, { node })
}
