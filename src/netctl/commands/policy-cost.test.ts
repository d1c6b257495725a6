import type { PolicyCostAnswer, RuleCostAnswer } from '../../model/policy-cost.ts'
import { testLines } from '../test-lines.ts'

const limits = { rule: 5_000, host: 100_000 }
const rule = { direction: 'in', priority: 1, action: 'deny', text: 'deny tcp from anybody' } as const
const cost: PolicyCostAnswer = {
  key: 'default:web',
  rules: [
    {
      ...rule,
      key: 'default:web:1',
      ruleId: '1',
      hosts: [
        { host: 'node1', flows: 2 },
        { host: 'node2', flows: 1 },
      ],
    },
    {
      ...rule,
      key: 'default:web:2',
      ruleId: '2',
      hosts: [
        { host: 'node1', flows: 7 },
        { host: 'node2', flows: 7 },
      ],
    },
  ],
  hosts: [
    { host: 'node1', policy: 9, all: 30 },
    { host: 'node2', policy: 8, all: 21 },
  ],
  hostCount: 20,
  limits,
}
const change: RuleCostAnswer = {
  key: 'default:web:1',
  hosts: [
    { host: 'node1', before: 30, after: 45 },
    { host: 'node2', before: 30, after: 29 },
  ],
  hostCount: 2,
  flows: 15,
  limits,
}
const asked = 'GET /api/v1/inspect/policys/default:web/cost/'
const posted = 'POST /api/v1/inspect/rules/default:web:1/cost/'
const body = { tenantName: 'default', policyName: 'web', ruleId: '1', direction: 'in', priority: 1, action: 'allow' }

testLines([
  {
    line: 'policy cost web',
    answers: { [asked]: cost },
    asked: [asked],
    out: [
      'Rules, each by itself (limit 5000):\n',
      'Rule  Direction  Priority  Flows             What\n',
      '----  ---------  --------  -----             ----\n',
      '1     in         1         node1 2, node2 1  deny tcp from anybody\n',
      '2     in         1         7                 deny tcp from anybody\n',
      'Hosts, together (limit 100000):\n',
      'Host   Flows  All policies\n',
      '----   -----  ------------\n',
      'node1  9      30\n',
      'node2  8      21\n',
      'and 18 hosts with as many groups of the policy or fewer\n',
    ].join(''),
  },
  { line: 'policy cost --json web', answers: { [asked]: cost }, out: `${JSON.stringify(cost, null, 2)}\n` },
  {
    line: 'policy cost -t blue web',
    answers: {
      'GET /api/v1/inspect/policys/blue:web/cost/': { ...cost, rules: [], hosts: [], hostCount: 0 },
    },
    out: 'No host has a member of a group with policy web: it costs nothing yet\n',
  },
  { line: 'policy cost', asked: [], status: 1, err: /policy cost needs POLICY/ },
  ...['--dry-run', '--cost'].map((flag) => ({
    line: `policy rule-add ${flag} web 1`,
    answers: { [posted]: change },
    asked: [[posted, body]] as const,
    out: [
      'Rule default:web:1 would be at most 15 flows on a host (limit 5000); nothing was changed\n',
      'Host   Flows  Then  Change\n',
      '----   -----  ----  ------\n',
      'node1  30     45    +15\n',
      'node2  30     29    -1\n',
    ].join(''),
  })),
  {
    line: 'rule add --dry-run web 1',
    answers: { [posted]: { ...change, hosts: [], hostCount: 0 } },
    out: [
      'Rule default:web:1 would be at most 15 flows on a host (limit 5000); nothing was changed\n',
      'No host has a member of a group with policy web: it costs nothing yet\n',
    ].join(''),
  },
  {
    line: 'policy rule-add --dry-run web 1',
    answers: { [posted]: { status: 409, text: 'rule default:web:1 would be up to 9000 flows' } },
    asked: [[posted, body]],
    status: 3,
    err: /up to 9000 flows/,
  },
])
