// The texts that a scenario's golden files hold.

import type { NodeNetwork } from '../../src/core/compile/node-network.ts'
import type { FlowSets } from '../../src/core/pipeline/flow-sets.ts'
import { printFlow } from '../../src/core/pipeline/print.ts'
import { ping } from '../../src/core/pipeline/simulate/speakers.ts'
import type { World } from '../../src/core/pipeline/simulate/world.ts'
import { pipeline, tableName, tableNames } from '../../src/core/pipeline/tables.ts'
import { evaluatePolicy } from '../../src/core/policy/evaluate.ts'
import { mayReach } from '../support/cluster.ts'

/** NodeNetwork as JSON: maps as objects sorted by key, networks by key instead of whole. */
export function networkText(network: NodeNetwork): string {
  const byKey = <V>(map: ReadonlyMap<string, V>) => Object.fromEntries([...map].sort(([a], [b]) => (a < b ? -1 : 1)))
  const short = <E extends { readonly network: { readonly key: string } }>(map: ReadonlyMap<string, E>) =>
    byKey(new Map([...map].map(([id, endpoint]) => [id, { ...endpoint, network: endpoint.network.key }])))
  const { networks, local, remote, policy, outside, ...rest } = network
  const plain = {
    ...rest,
    ...(outside === undefined ? {} : { outside: { inner: Object.fromEntries(outside.inner) } }),
    networks: byKey(networks),
    local: short(local),
    remote: short(remote),
    ...(policy === undefined ? {} : { policy: { ...policy, members: byKey(policy.members) } }),
  }
  return `${JSON.stringify(plain, null, 2).replace(/\[[^[\]{}]*\]/g, inOneLine)}\n`
}

/** As the formatter wants it: a short list in one line. */
function inOneLine(list: string): string {
  return list.replace(/\s+/g, ' ').replace('[ ', '[').replace(' ]', ']')
}

/** Flows by table, in the order a packet meets them. */
export function flowsText(sets: FlowSets): string {
  const lines = new Map<string, { readonly priority: number; readonly text: string }[]>()
  for (const [owner, flows] of sets) {
    for (const flow of flows) {
      const name = tableName(flow.table)
      const text = `${printFlow(flow).slice(name.length + 1)}  # ${owner.replace(/ \/\d+$/, '')}`
      lines.set(name, [...(lines.get(name) ?? []), { priority: flow.priority, text }])
    }
  }
  let text = ''
  for (const name of tableNames) {
    const entries = lines.get(name) ?? []
    entries.sort((a, b) => b.priority - a.priority || (a.text < b.text ? -1 : 1))
    text += `${name} (miss: ${pipeline[name].miss})\n${entries.map((entry) => `  ${entry.text}\n`).join('')}\n`
  }
  return text
}

/** Who gets an answer from whom, as a table: `+` yes, `.` no; a name is somebody else who answered for that address. */
export function reachabilityText(world: World): string {
  const endpoints = [...world.state.endpoints.values()]
  const machines = [...world.machines.values()]
  const families = endpoints.some(({ ipv6 }) => ipv6 !== '') ? [false, true] : [false]
  let text = ''
  for (const isV6 of families) {
    const names = [...endpoints.filter(({ ipv6 }) => !isV6 || ipv6 !== '').map(({ endpointId }) => endpointId)]
    if (!isV6) names.push(...machines.map(({ name }) => name))
    const width = Math.max(4, ...names.map((name) => name.length)) + 2
    const line = (cells: readonly string[]) =>
      cells
        .map((cell) => cell.padEnd(width))
        .join('')
        .trimEnd()
    text += `${line([isV6 ? 'IPv6' : 'IPv4', ...names])}\n`
    for (const from of names) text += `${line([from, ...names.map((to) => cell(world, from, to, isV6))])}\n`
    text += '\n'
  }
  return `rows ping columns: + answered, . not, - itself\n\n${text.trimEnd()}\n`
}

function cell(world: World, from: string, to: string, isV6: boolean): string {
  if (from === to) return '-'
  const record = world.state.endpoints.get(to)
  const address = (isV6 ? record?.ipv6 : record?.ipv4) ?? world.machines.get(to)?.ipv4.split('/')[0] ?? ''
  const result = ping(world, from, address)
  return !result.ok ? '.' : result.by === to ? '+' : '.'
}

/** Pairs of endpoints where simulation and the rule of thumb differ; empty when they agree. */
export function disagreements(world: World): string[] {
  const found: string[] = []
  const endpoints = [...world.state.endpoints.values()]
  for (const from of endpoints) {
    for (const to of endpoints) {
      if (from === to) continue
      for (const isV6 of [false, true]) {
        const address = isV6 ? to.ipv6 : to.ipv4
        if (address === '' || (isV6 && from.ipv6 === '')) continue
        const result = ping(world, from.endpointId, address)
        const reached = result.ok && result.by === to.endpointId
        const source = isV6 ? from.ipv6 : from.ipv4
        const asked = { tenantName: from.tenantName, source, destination: address, protocol: isV6 ? 58 : 1, port: 0 }
        const { allowed } = evaluatePolicy(world.state, asked)
        if (reached === (allowed && mayReach(world.state, from.endpointId, to.endpointId, isV6))) continue
        const said = reached ? 'reached' : `did not reach (${result.why})`
        found.push(`${from.endpointId} ${said} ${to.endpointId} at ${address}`)
      }
    }
  }
  return found
}
