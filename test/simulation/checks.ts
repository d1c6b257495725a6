// What must hold when everything works again and had time to settle. Each answers what is wrong.

import { isDeepStrictEqual } from 'node:util'
import { NodeCompiler } from '../../src/core/compile/compile-node.ts'
import type { MemoryStore } from '../../src/drivers/store/memory.ts'
import { applyChanges } from '../../src/model/apply-changes.ts'
import type { NumberPool } from '../../src/model/grant.ts'
import { listRecords } from '../../src/model/record-list.ts'
import { emptyState } from '../../src/model/state.ts'
import { loadTables } from '../../src/netmaster/load.ts'
import type { Tables } from '../../src/netmaster/tables.ts'
import { wantedNetworks } from '../../src/netplugin/docker-networks.ts'
import type { RunningHere } from './docker.ts'
import type { Host } from './host.ts'
import type { Master } from './master.ts'

export interface Settled {
  readonly store: MemoryStore
  readonly masters: readonly Master[]
  readonly hosts: readonly Host[]
}

export async function whatIsWrong({ store, masters, hosts }: Settled): Promise<string[]> {
  const truth = loadTables((await store.snapshot()).entries)
  const running = hosts.flatMap(({ docker }) => [...docker.running.values()])
  const wrong = [...twice(running), ...containersAndEndpoints(truth, running), ...grants(truth)]
  // The rest is looked at only then: it takes longer.
  if (wrong.length > 0) return wrong
  for (const [at, master] of masters.entries()) wrong.push(...masterDiffers(`m${at}`, master, truth))
  for (const host of hosts) wrong.push(...hostDiffers(host, truth), ...(await dockerDiffers(host, truth)))
  return wrong
}

/** Endpoints that are still there although an agent has answered that they are given back. */
export async function notGivenBack({ store, hosts }: Pick<Settled, 'store' | 'hosts'>): Promise<string[]> {
  const { endpoints } = loadTables((await store.snapshot()).entries)
  const told = hosts.flatMap(({ docker }) => [...docker.givenBack])
  return told.filter((id) => endpoints.has(id)).map((id) => `endpoint ${id} was given back and is still there`)
}

/** Containers with the address of another one. */
export function twice(running: readonly RunningHere[]): string[] {
  const holders = new Map<string, RunningHere>()
  const wrong: string[] = []
  for (const here of running) {
    const place = `${here.network} ${here.ipv4}`
    const other = holders.get(place)
    if (other !== undefined) wrong.push(`${here.containerId} and ${other.containerId} both have ${place}`)
    holders.set(place, here)
  }
  return wrong
}

function containersAndEndpoints(truth: Tables, running: readonly RunningHere[]): string[] {
  const wrong: string[] = []
  const known = new Map(running.map((here) => [here.endpointId, here]))
  for (const { endpointId, node, ipv4 } of truth.endpoints.values()) {
    const here = known.get(endpointId)
    if (here === undefined) wrong.push(`the store has endpoint ${endpointId} of no container`)
    else if (here.node !== node || here.ipv4 !== ipv4)
      wrong.push(`endpoint ${endpointId} is ${node} ${ipv4} in the store`)
  }
  for (const { endpointId } of running) {
    if (!truth.endpoints.has(endpointId)) wrong.push(`the store has lost endpoint ${endpointId} of a running container`)
  }
  return wrong
}

function grants(truth: Tables): string[] {
  const owners: Readonly<Record<NumberPool, ReadonlyMap<string, unknown>>> = {
    vlan: truth.networks,
    vni: truth.networks,
    'network-id': truth.networks,
    'tenant-id': truth.tenants,
    'group-id': truth.groups,
  }
  const wrong: string[] = []
  for (const grant of truth.grants()) {
    if (grant.kind === 'number') {
      const isOwned = grant.owner !== null && owners[grant.pool].has(grant.owner)
      if (!isOwned) wrong.push(`${grant.pool} ${grant.number} is granted to ${grant.owner}, which is not there`)
      continue
    }
    const { network, address, owner } = grant
    const endpoint = owner?.type === 'endpoint' ? truth.endpoints.get(owner.id) : undefined
    const isHeld = endpoint?.ipv4 === address && `${endpoint.tenantName}:${endpoint.networkName}` === network
    if (!isHeld) wrong.push(`address ${address} of ${network} is granted to ${JSON.stringify(owner)} for nothing`)
  }
  for (const { tenantName, networkName, ipv4, endpointId } of truth.endpoints.values()) {
    const owner = truth.addresses(`${tenantName}:${networkName}`).ownerOf(ipv4)
    if (owner?.type !== 'endpoint' || owner.id !== endpointId) wrong.push(`${endpointId} has no grant for ${ipv4}`)
  }
  return wrong
}

function masterDiffers(name: string, { cluster }: Master, truth: Tables): string[] {
  const sorted = (all: readonly unknown[]) => all.map((each) => JSON.stringify(each)).sort()
  const wrong: string[] = []
  if (!isDeepStrictEqual(sorted(cluster.records()), sorted(truth.records()))) wrong.push(`${name} has other records`)
  if (!isDeepStrictEqual(sorted(cluster.view.copy().grants()), sorted(truth.grants()))) {
    wrong.push(`${name} has other grants`)
  }
  return wrong
}

function hostDiffers({ node, parts, agent, docker }: Host, truth: Tables): string[] {
  const state = agent?.agent.master.state
  if (agent === undefined || state === undefined) return [`${node} knows no state`]
  const wrong: string[] = []
  if (agent.agent.outbox.detached.size > 0) wrong.push(`${node} still has to give back endpoints`)
  const records = truth.records()
  const said = listRecords(state).filter(({ kind }) => kind !== 'global' || truth.globalStored)
  const sorted = (all: readonly unknown[]) => all.map((each) => JSON.stringify(each)).sort()
  if (!isDeepStrictEqual(sorted(said), sorted(records))) wrong.push(`${node} has another state than the store`)
  const cold = new NodeCompiler(node).compile(applyChanges(emptyState, state.revision, records))
  if (!isDeepStrictEqual(parts.inForce, cold))
    wrong.push(`${node} has something else in force than a cold compile gives`)
  const local = [...(parts.inForce?.local.keys() ?? [])].sort()
  const here = [...docker.running.values()].map(({ endpointId }) => endpointId).sort()
  if (!isDeepStrictEqual(local, here)) wrong.push(`${node} forwards for ${local.join(' ')}; ${here.join(' ')} run`)
  return wrong
}

async function dockerDiffers({ node, docker, agent }: Host, truth: Tables): Promise<string[]> {
  const state = agent?.agent.master.state
  if (state === undefined) return []
  const wanted = [...wantedNetworks(applyChanges(emptyState, state.revision, truth.records())).keys()].sort()
  const there = (await docker.runtime.networks({})).map(({ name }) => name).sort()
  return isDeepStrictEqual(there, wanted) ? [] : [`Docker of ${node} has the networks ${there.join(' ')}`]
}
