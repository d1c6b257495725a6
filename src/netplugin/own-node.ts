// What a node knows better than the state that it was sent: its own tunnel end, and links that it could not make.

import type { NodeNetwork } from '../core/compile/node-network.ts'
import type { ClusterState } from '../model/state.ts'
import type { NodeConfig } from './config.ts'

/** Without endpoints whose links could not be made: a link of that name is somebody else's, and no port of ours. */
export function withoutLinks(network: NodeNetwork, failed: ReadonlyMap<string, string>): NodeNetwork {
  if (failed.size === 0) return network
  const local = new Map([...network.local].filter(([, endpoint]) => !failed.has(endpoint.portName)))
  return { ...network, local }
}

/** The node knows its own tunnel end best: it may have changed since it last registered. */
export function withOwnNode(state: ClusterState, config: NodeConfig): ClusterState {
  const own = state.nodes.get(config.node)
  if (own !== undefined && own.vtep === config.vtep) return state
  const record = own ?? {
    node: config.node,
    controlAddress: config.controlAddress,
    vtep: config.vtep,
    bootId: '',
    version: config.version,
  }
  return { ...state, nodes: new Map(state.nodes).set(config.node, { ...record, vtep: config.vtep }) }
}

/** The state without endpoints that were detached here and of which netmaster does not know yet. */
export function withoutDetached(
  state: ClusterState | undefined,
  detached: ReadonlySet<string>,
): ClusterState | undefined {
  if (state === undefined || detached.size === 0) return state
  const endpoints = new Map(state.endpoints)
  for (const id of detached) endpoints.delete(id)
  return { ...state, endpoints }
}
