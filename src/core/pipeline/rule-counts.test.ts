import assert from 'node:assert/strict'
import { test } from 'node:test'
import { canonicalActions, canonicalMatch, type Flow, type FlowStats } from '../../protocols/openflow/index.ts'
import { countFlow } from './features/rule-count.ts'
import { decidedBy } from './fields.ts'
import { flow } from './flow.ts'
import { countRules } from './rule-counts.ts'
import { ruleNumber } from './rule-number.ts'

/** As a switch reports it. */
function counted(made: Flow, packets: number): FlowStats {
  const { match, actions, ...rest } = made
  const canonical = { ...rest, match: canonicalMatch(match), actions: canonicalActions(actions) }
  return { ...canonical, packets: BigInt(packets), bytes: BigInt(packets * 100), durationSeconds: 1 }
}

const decides = (key: string, direction: 'in' | 'out') =>
  flow('policy', direction === 'in' ? 'Ingress' : 'Egress', 309, { ip_proto: 6, eth_type: 0x800 }, [
    { type: 'set_field', field: decidedBy[direction], value: ruleNumber(key) },
    { goto: direction === 'in' ? 'IngressDenied' : 'EgressDenied' } as { goto: never },
  ])

test('what decided and what was carried are counted together, by rule', () => {
  const flows = [
    counted(decides('red:p:a', 'in'), 3),
    counted(decides('red:p:a', 'in'), 4),
    counted(countFlow({ key: 'red:p:a', direction: 'in' }), 20),
    counted(decides('red:p:b', 'out'), 5),
    counted(countFlow({ key: 'red:p:b', direction: 'out' }), 30),
    counted(decides('red:other:x', 'in'), 1_000),
    counted(flow('policy', 'Ingress', 10, {}, [{ goto: 'IngressDenied' }]), 9_000),
  ]
  assert.deepEqual(countRules(flows, ['red:p:a', 'red:p:b', 'red:p:never']), [
    { key: 'red:p:a', packets: 27n, bytes: 2_700n },
    { key: 'red:p:b', packets: 35n, bytes: 3_500n },
    { key: 'red:p:never', packets: 0n, bytes: 0n },
  ])
})
