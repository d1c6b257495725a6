import type { PolicyStatsAnswer } from '../../model/counts.ts'
import { testLines } from '../test-lines.ts'

const rule = { direction: 'in', action: 'deny' } as const
const stats: PolicyStatsAnswer = {
  key: 'default:web',
  rules: [
    {
      ...rule,
      key: 'default:web:2',
      ruleId: '2',
      priority: 10,
      action: 'allow',
      text: 'allow tcp port 80 from anybody',
      packets: 27,
      bytes: 2_700,
      hosts: [
        { host: 'node1', packets: 20, bytes: 2_000 },
        { host: 'node2', packets: 7, bytes: 700 },
      ],
    },
    {
      ...rule,
      key: 'default:web:1',
      ruleId: '1',
      priority: 1,
      text: 'deny tcp from anybody',
      packets: 0,
      bytes: 0,
      hosts: [],
    },
  ],
  silent: [],
}
const asked = 'GET /api/v1/inspect/policys/default:web/stats/'

testLines([
  {
    line: 'policy stats web',
    answers: { [asked]: stats },
    asked: [asked],
    out: [
      'Rule  Direction  Priority  Packets  Bytes  What\n',
      '----  ---------  --------  -------  -----  ----\n',
      '2     in         10        27       2700   allow tcp port 80 from anybody\n',
      '1     in         1         0        0      deny tcp from anybody\n',
    ].join(''),
  },
  {
    line: 'policy stats --hosts web',
    answers: { [asked]: { ...stats, rules: stats.rules.slice(0, 1), silent: ['node3', 'node4'] } },
    out: [
      'Rule  Direction  Priority  Packets  Bytes  What                            Hosts\n',
      '----  ---------  --------  -------  -----  ----                            -----\n',
      '2     in         10        27       2700   allow tcp port 80 from anybody  node1 20/2000, node2 7/700\n',
      'without node3, node4, which did not answer\n',
    ].join(''),
  },
  { line: 'policy stats --json web', answers: { [asked]: stats }, out: `${JSON.stringify(stats, null, 2)}\n` },
  { line: 'policy stats', asked: [], status: 1, err: /policy stats needs POLICY/ },
])
