// Why a connection may be opened, or not: is there a way, and what does policy say at both ends? Answers in words, with
// the rule and the flow that decide. Nothing here enforces anything: what does is held against it by tests.

import { formatConnection } from '../../model/connection.ts'
import { encapTag } from '../../model/network.ts'
import type { ClusterState } from '../../model/state.ts'
import type { WhyAnswer, WhyEnd } from '../../model/why.ts'
import { evaluatePolicy, type Opening } from '../policy/evaluate.ts'
import { type End, hostsOf, memberOf, networkOf } from './ends.ts'
import { judge } from './judgement.ts'
import { type Sample, samplesOf } from './samples.ts'
import { type Ends, findWay } from './way.ts'

export interface Asked extends Ends {
  /** Destination port; 0 where the protocol has none. */
  readonly port: number
}

const mostSamples = 64
const mostExceptions = 5

/** Between two ends nothing depends on whom a service chooses. */
export type Explanation = WhyAnswer & { readonly verdict: Exclude<WhyAnswer['verdict'], 'depends'> }

export function explain(state: ClusterState, asked: Asked): Explanation {
  const way = findWay(state, asked)
  const [found, ...others] = way.leads === 'no' ? [] : outcomesOf(state, asked)
  const isJudged = way.leads !== 'no' && way.code !== 'GATEWAY' && way.code !== 'ITSELF'
  const about = {
    connection: formatConnection(asked),
    family: asked.family,
    source: endText(state, asked.source, found?.opening.source ?? ''),
    destination: endText(state, asked.destination, found?.opening.destination ?? ''),
    way,
  }
  if (way.leads === 'no') return { verdict: 'no way', ...about, exceptions: [] }
  if (!isJudged || found === undefined) return { verdict: 'allowed', ...about, exceptions: [] }
  const { source, destination } = asked
  const sender = judge(state, 'out', { opening: found.opening, source, destination })
  const receiver = judge(state, 'in', { opening: found.opening, source, destination })
  const exceptions = others.slice(0, mostExceptions).map(({ opening, verdict, text }) => ({
    source: opening.source,
    destination: opening.destination,
    verdict,
    text,
  }))
  return { verdict: found.verdict, ...about, sender, receiver, exceptions }
}

interface Outcome {
  readonly opening: Opening
  readonly verdict: 'allowed' | 'denied'
  /** Which rule decides against or for it. */
  readonly text: string
  weight: number
}

/** What becomes of the connection: of most members first, where the ends are groups. */
function outcomesOf(state: ClusterState, asked: Asked): readonly Outcome[] {
  const { source, destination } = asked
  const both = source.kind === 'group' && destination.kind === 'group'
  const most = both ? Math.sqrt(mostSamples) : mostSamples
  const froms = samplesOf(state, source, asked.family, { others: [destination], most })
  const tos = samplesOf(state, destination, asked.family, { others: [source], most })
  const outcomes = new Map<string, Outcome>()
  for (const from of froms) {
    for (const to of tos) {
      const opening = openingOf(asked, from, to)
      const { allowed, byDefault, egress, ingress } = evaluatePolicy(state, opening)
      const key = `${egress?.key} ${ingress?.key}`
      const outcome = outcomes.get(key)
      const weight = from.weight * to.weight
      if (outcome !== undefined) outcome.weight += weight
      else {
        const rule = egress?.action === 'deny' ? egress : (ingress ?? egress)
        const text =
          rule === undefined || (byDefault && rule.action === 'allow') ? 'no rule applies' : `rule ${rule.key} decides`
        outcomes.set(key, { opening, verdict: allowed ? 'allowed' : 'denied', text, weight })
      }
    }
  }
  return [...outcomes.values()].sort((a, b) => b.weight - a.weight)
}

function openingOf({ tenantName, protocol, port, ...ends }: Asked, from: Sample, to: Sample): Opening {
  const [sender, receiver] = [memberOf(ends.source), memberOf(ends.destination)]
  return {
    tenantName,
    source: from.address,
    destination: to.address,
    protocol,
    port,
    ...(sender === undefined ? {} : { sender }),
    ...(receiver === undefined ? {} : { receiver }),
  }
}

export function endText(state: ClusterState, end: End, address: string): WhyEnd {
  const network = networkOf(state, end)
  const common = {
    kind: end.kind,
    hosts: hostsOf(state, end),
    network: network === undefined ? '' : `${network.networkName}.${network.tenantName}`,
    encap: network === undefined ? '' : `${network.encap.kind} ${encapTag(network.encap)}`,
  }
  switch (end.kind) {
    case 'endpoint': {
      const { containerName, endpointId, groupName, ipv4 } = end.record
      const name = containerName === '' ? endpointId.slice(0, 12) : containerName
      return { ...common, name, address: address || ipv4, group: groupName, endpointID: endpointId }
    }
    case 'group':
      return { ...common, name: end.record.groupName, address, group: end.record.groupName, endpointID: '' }
    case 'address':
      return { ...common, name: end.address, address: end.address, group: '', endpointID: '' }
  }
}
