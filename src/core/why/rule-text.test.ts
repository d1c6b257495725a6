import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type RuleIntent, ruleRecord } from '../../../test/support/cluster.ts'
import { ruleText } from './rule-text.ts'

test('a rule is read out with its ports, and whom it is about', () => {
  const text = (rule: Partial<RuleIntent>) =>
    ruleText(ruleRecord({ policy: 'red:p', id: '1', direction: 'in', action: 'deny', ...rule }))
  assert.equal(text({}), 'deny everything from anybody')
  assert.equal(text({ protocol: 'tcp', port: 80, fromEndpointGroup: 'db' }), 'deny tcp port 80 from group db')
  assert.equal(text({ ports: '80,443', fromNetwork: 'lan' }), 'deny tcp and udp ports 80,443 from network lan')
  assert.equal(text({ protocol: 'sctp', ports: '5000-5001' }), 'deny sctp ports 5000-5001 from anybody')
  assert.equal(text({ direction: 'out', toIpAddress: '::/0' }), 'deny everything to ::/0')
})
