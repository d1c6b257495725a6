// Hosts and infra networks of an intent. They describe what lies below the networks of tenants, which agents take from
// their own flags: they are kept for people to see, compared with what agents say, and keep tags from being given away.

import type { Problem } from '../../lib/errors.ts'
import { problem } from '../../model/body.ts'
import type { Intent } from '../../model/intent.ts'
import type { InfraNetworkRecord, IntentHostRecord } from '../../model/state.ts'
import type { Cluster, Step } from './plan.ts'

/** What to write and remove; `add` refuses to change what is there. */
export function underlaySteps(cluster: Cluster, intent: Intent, purpose: 'desired' | 'add'): Step[] | Problem {
  const remove: Step[] = []
  const put: Step[] = []
  const { intentHost, infraNetwork } = cluster.objects
  const replaces = (what: string, name: string): Problem | undefined => {
    if (purpose === 'desired') return undefined
    const message = `${what} ${name} is described differently already, and adding changes nothing; load the whole intent with netdcli -cfg to change it`
    return problem('conflict', 'INTENT_DIFFERS', message, { name })
  }
  for (const host of intent.hosts) {
    const record = intentHost.get(host.name)
    if (record !== undefined && sameHost(record, hostRecord(host))) continue
    const refused = record === undefined ? undefined : replaces('host', host.name)
    if (refused !== undefined) return refused
    put.push({ kind: 'put-host', host })
  }
  for (const network of intent.infraNetworks) {
    const record = infraNetwork.get(network.name)
    if (record !== undefined && sameInfraNetwork(record, network)) continue
    const refused = record === undefined ? undefined : replaces('infra network', network.name)
    if (refused !== undefined) return refused
    if (record !== undefined) remove.push({ kind: 'remove-infra-network', name: network.name })
    put.push({ kind: 'put-infra-network', network })
  }
  if (purpose === 'desired') remove.push(...unnamed(cluster, intent))
  return [...remove, ...put]
}

function unnamed({ objects }: Cluster, intent: Intent): Step[] {
  const hosts = new Set(intent.hosts.map(({ name }) => name))
  const networks = new Set(intent.infraNetworks.map(({ name }) => name))
  return [
    ...[...objects.intentHost.keys()]
      .filter((name) => !hosts.has(name))
      .map((name) => ({ kind: 'remove-host', name }) as const),
    ...[...objects.infraNetwork.keys()]
      .filter((name) => !networks.has(name))
      .map((name) => ({ kind: 'remove-infra-network', name }) as const),
  ]
}

export function hostRecord({ name, intf, vtepIp, netId }: Intent['hosts'][number]): IntentHostRecord {
  return { host: name, intf, vtepIp, netId }
}

function sameHost(a: IntentHostRecord, b: IntentHostRecord): boolean {
  return a.intf === b.intf && a.vtepIp === b.vtepIp && a.netId === b.netId
}

function sameInfraNetwork(a: InfraNetworkRecord, b: InfraNetworkRecord): boolean {
  return a.pktTagType === b.pktTagType && a.pktTag === b.pktTag
}

/** What the user should know of the hosts and infra networks that the document describes. */
export function describeUnderlay(cluster: Cluster, intent: Intent): string[] {
  const notes: string[] = []
  if (intent.hosts.length > 0) {
    notes.push(
      'Hosts is kept for information: uplinks and tunnel ends are those of the flags of netplugin on each host',
    )
  }
  for (const { name, vtepIp } of intent.hosts) {
    const vtep = cluster.nodes.get(name)?.vtep ?? ''
    if (vtepIp === '' || vtep === '' || vtep === vtepIp) continue
    notes.push(
      `host ${name} uses ${vtep} as its tunnel end, not ${vtepIp}; start its netplugin with --vtep-ip=${vtepIp} to change that`,
    )
  }
  if (intent.infraNetworks.length > 0) {
    notes.push(
      'InfraNetworks is kept for information: no network of a tenant gets the tags in it, nothing else is made of it',
    )
  }
  return notes
}
