import assert from 'node:assert/strict'
import { test } from 'node:test'
import { flowIdentity } from '../../../protocols/openflow/index.ts'
import type { PlacedRule, RuleLevel } from '../../compile/node-policy.ts'
import { parseRuleAddress } from '../../policy/address-set.ts'
import { portsOf } from '../../policy/port-set.ts'
import { type PolicyRule, sctp, tcp } from '../../policy/rule.ts'
import { printFlow } from '../print.ts'
import { ruleNumber } from '../rule-number.ts'
import { ruleFlows } from './rules.ts'

interface RuleChoice extends Partial<PolicyRule> {
  readonly from?: string
  readonly port?: string
}

function placed(id: string, rule: RuleChoice, groups = [1], ipv6 = false): PlacedRule {
  const { from, port, ...rest } = rule
  const addresses = from === undefined ? undefined : parseRuleAddress(from)
  return {
    rule: {
      key: `red:p:${id}`,
      tenantName: 'red',
      direction: 'in',
      priority: 1,
      action: 'deny',
      cuts: false,
      logs: false,
      remote: { groupId: undefined, addresses },
      target: undefined,
      protocol: 'any',
      ports: portsOf(0, port) ?? [],
      ...rest,
    },
    groups: groups.map((groupId) => ({ groupId, defaultAction: 'allow', ipv6 })),
  }
}

function level(...rules: readonly PlacedRule[]): RuleLevel {
  return { name: 'in 1 deny', direction: 'in', priority: 1, action: 'deny', cuts: false, logs: false, rules }
}

/** Of the rule `a`. */
const denied = `decided by rule 0x${ruleNumber('red:p:a').toString(16)}, goto IngressDenied`

const texts = (...rules: readonly PlacedRule[]) => ruleFlows(level(...rules)).map(printFlow)

test('a rule of one dimension is plain flows', () => {
  assert.deepEqual(texts(placed('a', { protocol: 6, port: '80' })), [
    `Ingress 309: Receiver=1 eth_type=0x800 ip_proto=6 tcp_dst=80 -> ${denied}`,
  ])
  assert.deepEqual(texts(placed('a', { from: '10.0.0.2-3' })), [
    `Ingress 309: Receiver=1 eth_type=0x800 ipv4_src=10.0.0.2/255.255.255.254 -> ${denied}`,
  ])
  assert.equal(texts(placed('a', { protocol: 'icmp' }, [1], true)).length, 2)
})

test('several groups, addresses and protocols cost their sum, not their product', () => {
  const groups = [1, 2, 3, 4, 5]
  const flows = ruleFlows(level(placed('a', { from: '10.0.0.1-6', port: '80' }, groups)))
  assert.equal(flows.length, groups.length + 4 + 2 + 1)
})

test('a port list is a dimension: its matches are added to the others, not multiplied', () => {
  const groups = [1, 2, 3, 4, 5]
  // 80, 443, 8000-8100 as 8000/63, 8064/31, 8096/3 and 8100: 6 matches.
  const flows = ruleFlows(level(placed('a', { from: '10.0.0.1-6', protocol: tcp, port: '80,443,8000-8100' }, groups)))
  assert.equal(flows.length, groups.length + 4 + 6 + 1)
  const both = ruleFlows(level(placed('a', { from: '10.0.0.1-6', port: '80,443,8000-8100' }, groups, true)))
  assert.equal(both.length, groups.length + 4 + 12 + 1)
})

test('a list, each family and each protocol are as many plain flows where there is nothing else', () => {
  assert.deepEqual(texts(placed('a', { protocol: sctp, port: '80,8000-8001' })), [
    `Ingress 309: Receiver=1 eth_type=0x800 ip_proto=132 sctp_dst=80 -> ${denied}`,
    `Ingress 309: Receiver=1 eth_type=0x800 ip_proto=132 sctp_dst=8000/65534 -> ${denied}`,
  ])
  assert.deepEqual(texts(placed('a', { protocol: 6, port: '0-65535' })), [
    `Ingress 309: Receiver=1 eth_type=0x800 ip_proto=6 -> ${denied}`,
  ])
  assert.deepEqual(texts(placed('a', { from: '2001:db8::1-2001:db8::2,8000::/1' }, [1], true)).length, 3)
  assert.deepEqual(texts(placed('a', { from: '2001:db8::1' })), [])
  assert.deepEqual(texts(placed('a', { from: '10.0.0.1,::/0' }, [1], true)), [
    `Ingress 309: Receiver=1 eth_type=0x800 ipv4_src=10.0.0.1 -> ${denied}`,
    `Ingress 309: Receiver=1 eth_type=0x86dd -> ${denied}`,
  ])
})

test('where writing out each combination costs no more, it is written out', () => {
  const flows = texts(placed('a', { port: '80' }, [1, 2]))
  assert.equal(flows.length, 4)
  assert.ok(flows.every((text) => !text.includes('conjunction')))
})

test('what two rules share is one flow with a part of each', () => {
  const groups = [1, 2, 3]
  const one = placed('a', { from: '10.0.0.1-6', port: '80' }, groups)
  const other = placed('b', { from: '10.0.0.1-6', port: '443' }, groups)
  const flows = ruleFlows(level(one, other))
  assert.equal(new Set(flows.map(flowIdentity)).size, flows.length)
  const shared = flows.filter(({ actions }) => actions.filter(({ type }) => type === 'conjunction').length === 2)
  assert.equal(shared.length, groups.length + 4)
})

test('a rule keeps its id when others come and go', () => {
  const groups = [1, 2, 3]
  const rules = ['a', 'b', 'c'].map((id) => placed(id, { from: '10.0.0.1-6', port: '80' }, groups))
  const ids = (of: readonly PlacedRule[]) =>
    ruleFlows(level(...of)).flatMap(({ match }) => (match.conj_id === undefined ? [] : [match.conj_id]))
  const [a, b, c] = ids(rules)
  assert.equal(new Set([a, b, c]).size, 3)
  assert.deepEqual(ids(rules.slice(1)), [b, c])
})

test('a whole rule stands for a part with the same match', () => {
  const groups = [1, 2, 3]
  const wide = placed('wide', { from: '10.0.0.1-6', port: '80' }, groups)
  const whole = placed('whole', {}, [2])
  const flows = texts(wide, whole).filter((text) => text.startsWith('Ingress 309: Receiver=2 '))
  assert.equal(flows.length, 1)
  assert.match(flows[0] ?? '', /Receiver=2 -> decided by rule/)
})

test('no flow carries more parts than its action list holds', () => {
  const groups = [1, 2, 3]
  const rules = Array.from({ length: 1_200 }, (_, index) =>
    placed(`r${index}`, { from: `10.0.${index % 250}.1-6`, port: `${80 + index}` }, groups),
  )
  const most = Math.max(...ruleFlows(level(...rules)).map(({ actions }) => actions.length))
  assert.equal(most, 1_000)
})
