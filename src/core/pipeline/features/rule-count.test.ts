import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clusterState, type RuleIntent } from '../../../../test/support/cluster.ts'
import { NodeCompiler } from '../../compile/compile-node.ts'
import { Renderer } from '../render.ts'
import { pipeline } from '../tables.ts'

const facts = { ofPorts: new Map<string, number>(), nameservers: [] }

function network(rules: readonly RuleIntent[]) {
  const state = clusterState({
    tenants: ['red'],
    networks: [{ key: 'red:front', encap: { kind: 'vxlan', vni: 1 }, subnet: '10.1.0.0/24' }],
    groups: [{ key: 'red:web', network: 'front', policies: ['p'] }],
    rules,
    endpoints: [{ id: 'web', network: 'red:front', group: 'web', node: 'n1', ipv4: '10.1.0.1' }],
    nodes: [{ node: 'n1' }],
  })
  return new NodeCompiler('n1').compile(state)
}

const allow = (id: string, port: number, more: Partial<RuleIntent> = {}): RuleIntent => ({
  policy: 'red:p',
  id,
  direction: 'in',
  action: 'allow',
  protocol: 'tcp',
  port,
  ...more,
})

function flowsIn(renderer: Renderer, rules: readonly RuleIntent[], counts: 'now' | 'later') {
  const flows = [...renderer.render(network(rules), facts, { counts }).values()].flat()
  const decide = flows.filter(({ table, match }) => table === pipeline.Ingress.id && match.tcp_dst !== undefined)
  const count = flows.filter(({ table, priority }) => table === pipeline.ReceiverCount.id && priority > 0)
  return { decide: decide.length, count: count.length }
}

test('rules that allow are counted by a flow each, rules that deny by their own', () => {
  const rules = [allow('a', 1), allow('b', 2), allow('c', 3, { action: 'deny' })]
  assert.deepEqual(flowsIn(new Renderer(), rules, 'now'), { decide: 3, count: 2 })
})

test('what counts may come later, and goes later', () => {
  const renderer = new Renderer()
  const two = [allow('a', 1), allow('b', 2)]
  assert.deepEqual(flowsIn(renderer, two, 'later'), { decide: 2, count: 0 })
  assert.deepEqual(flowsIn(renderer, two, 'now'), { decide: 2, count: 2 })
  assert.deepEqual(flowsIn(renderer, two.slice(0, 1), 'later'), { decide: 1, count: 2 })
  assert.deepEqual(flowsIn(renderer, two.slice(0, 1), 'now'), { decide: 1, count: 1 })
})
