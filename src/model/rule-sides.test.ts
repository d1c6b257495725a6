// Every combination of the ends that a rule can name: which ones are legal (specification 2.3), and that the others are
// refused each with its own code, and with the name of the attribute that has to go.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isProblem, parseBody } from './body.ts'
import { checkRule, ruleBody, ruleFromBody } from './rule.ts'

const ends = {
  fromEndpointGroup: 'g',
  toEndpointGroup: 'g',
  fromNetwork: 'n',
  toNetwork: 'n',
  fromIpAddress: '10.1.1.5',
  toIpAddress: '10.1.1.6',
} as const
type End = keyof typeof ends

/** Code and attribute in the order in which they are looked for; undefined when the rule is legal. */
function expected(
  direction: 'in' | 'out',
  has: (end: End) => boolean,
): readonly [code: string, field: End] | undefined {
  const isIn = direction === 'in'
  const misplaced = isIn
    ? (['toEndpointGroup', 'toNetwork'] as const)
    : (['fromEndpointGroup', 'fromNetwork', 'fromIpAddress'] as const)
  const wrong = misplaced.find(has)
  if (wrong !== undefined) return [isIn ? 'RULE_TO_ON_INCOMING' : 'RULE_FROM_ON_OUTGOING', wrong]
  const [side, SIDE] = isIn ? (['from', 'FROM'] as const) : (['to', 'TO'] as const)
  if (!has(`${side}Network`)) return undefined
  if (has(`${side}IpAddress`)) return [`RULE_${SIDE}_NETWORK_AND_ADDRESS`, `${side}IpAddress`]
  if (has(`${side}EndpointGroup`)) return [`RULE_${SIDE}_NETWORK_AND_GROUP`, `${side}EndpointGroup`]
  return undefined
}

test('of the ends that a rule can name, combinations that contradict its direction or each other are refused', () => {
  const names = Object.keys(ends) as End[]
  let refused = 0
  for (const direction of ['in', 'out'] as const) {
    for (let bits = 0; bits < 1 << names.length; bits++) {
      const named = names.filter((_, index) => (bits & (1 << index)) !== 0)
      const given = Object.fromEntries(named.map((name) => [name, ends[name]]))
      const fixed = { tenantName: 'default', policyName: 'p', ruleId: '1', action: 'allow', direction }
      const body = parseBody(ruleBody, { ...fixed, ...given })
      assert.ok(!isProblem(body))
      const found = checkRule(ruleFromBody(body))
      const [code, field] = expected(direction, (end) => named.includes(end)) ?? []
      assert.equal(found?.code, code, `${direction}: ${named}`)
      assert.ok(field === undefined || found?.message.includes(field), `${direction}: ${named}: ${found?.message}`)
      if (found !== undefined) refused++
    }
  }
  assert.equal(refused, 113)
})

test('a direction or an action that is none is refused with those there are', () => {
  const said = (more: object) => {
    const fixed = { tenantName: 'default', policyName: 'p', ruleId: '1', action: 'allow', direction: 'in' }
    const parsed = parseBody(ruleBody, { ...fixed, ...more })
    return isProblem(parsed) ? parsed.message : ''
  }
  assert.match(said({ direction: 'both' }), /direction.*in.*out/)
  assert.match(said({ direction: undefined }), /direction/)
  assert.match(said({ action: 'drop' }), /action.*allow.*deny/)
  assert.match(said({ priority: 101 }), /priority/)
  assert.match(said({ port: 65_536 }), /port/)
  assert.match(said({ protocol: 'bogus' }), /protocol/)
})
