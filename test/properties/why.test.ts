// Random clusters with policies: what `why` says of a connection is what the flows do with it, and the flows it names are
// those that did.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { World } from '../../src/core/pipeline/simulate/world.ts'
import { explain } from '../../src/core/why/why.ts'
import type { EndpointRecord } from '../../src/model/state.ts'
import type { WhyAnswer, WhyFlow } from '../../src/model/why.ts'
import { mayReach } from '../support/cluster.ts'
import { openings, sentBy } from '../support/openings.ts'
import { numberedHosts } from './arbitrary-cluster.ts'
import { clusterWithPolicies } from './arbitrary-policy.ts'

const seen = { allowed: 0, denied: 0, 'no way': 0, flows: 0 }

function check(world: World, from: EndpointRecord, to: EndpointRecord, isV6: boolean): void {
  const { state } = world
  for (const { protocol, port, first } of openings(isV6)) {
    const answer = explain(state, {
      tenantName: from.tenantName,
      source: { kind: 'endpoint', record: from },
      destination: { kind: 'endpoint', record: to },
      family: isV6 ? 'ipv6' : 'ipv4',
      protocol,
      port,
    })
    seen[answer.verdict]++
    const leads = answer.way.leads === 'yes'
    assert.equal(leads, mayReach(state, from.endpointId, to.endpointId, isV6), `${from.endpointId} ${to.endpointId}`)
    if (!leads) continue
    const { deliveries, trace } = world.send(from.endpointId, first(...sentBy(state, from, to, isV6)))
    const why = () => `${JSON.stringify(answer, null, 1)}\n${trace.join('\n')}`
    assert.deepEqual(
      deliveries.map((delivery) => delivery.to),
      answer.verdict === 'allowed' ? [to.endpointId] : [],
      why(),
    )
    for (const { node, flow } of namedFlows(answer)) {
      assert.ok(trace.includes(`${node} ${flow.text}`), why())
      const there = [...world.host(node).flows.values()].flat().find(({ cookie }) => cookie === BigInt(flow.cookie))
      assert.ok(there !== undefined, `${node} has no flow ${flow.text}`)
      seen.flows++
    }
  }
}

/** Of those who judged: who was denied by the sender never came to the receiver. */
function namedFlows({ sender, receiver }: WhyAnswer): readonly { readonly node: string; readonly flow: WhyFlow }[] {
  return [sender, ...(sender?.action === 'deny' ? [] : [receiver])].flatMap((judgement) => {
    const [node] = judgement?.hosts ?? []
    return node === undefined || judgement?.flow === undefined ? [] : [{ node, flow: judgement.flow }]
  })
}

test('why says what the flows do, and names the flows that do it', () => {
  fc.assert(
    fc.property(clusterWithPolicies, (state) => {
      for (const from of state.endpoints.values()) {
        for (const to of state.endpoints.values()) {
          if (from === to) continue
          for (const isV6 of [false, true]) {
            if (isV6 && (from.ipv6 === '' || to.ipv6 === '')) continue
            check(new World({ state, hosts: numberedHosts(state) }), from, to, isV6)
          }
        }
      }
    }),
    { numRuns: 40 },
  )
  assert.ok(seen.allowed > 200 && seen.denied > 80 && seen['no way'] > 200 && seen.flows > 200, JSON.stringify(seen))
})
