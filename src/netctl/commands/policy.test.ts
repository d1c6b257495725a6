import { askedList, getTenant, settled, testLines } from '../test-lines.ts'

const policy = (tenantName: string, policyName: string, sets: object = {}) => ({
  key: `${tenantName}:${policyName}`,
  policyName,
  tenantName,
  'link-sets': sets,
  links: { Tenant: { type: 'tenant', key: tenantName } },
})
const policies = {
  ...getTenant,
  'GET /api/v1/policys/': [
    policy('default', 'web', {
      Rules: { 'default:web:1': {}, 'default:web:2': {} },
      EndpointGroups: { 'default:front': {}, 'default:back': {} },
    }),
    policy('blue', 'db'),
  ],
}

const rule = (ruleId: string, more: object = {}) => ({
  key: `default:web:${ruleId}`,
  tenantName: 'default',
  policyName: 'web',
  ruleId,
  direction: 'in',
  action: 'allow',
  priority: 1,
  ...more,
  'link-sets': {},
  links: { MatchEndpointGroup: {} },
})
const rules = {
  ...getTenant,
  'GET /api/v1/policys/default:web/': policy('default', 'web'),
  'GET /api/v1/rules/': [
    rule('10', { protocol: 'tcp', port: 443, fromEndpointGroup: 'front', fromIpAddress: '10.1.1.9' }),
    rule('3', { priority: 10, action: 'deny', fromNetwork: 'n1' }),
    rule('out', { direction: 'out', priority: 100, toIpAddress: '10.1.2.0/24', protocol: 'icmp', action: 'deny' }),
    rule('9', { protocol: 'sctp', ports: '80,8000-8100' }),
    rule('o2', { direction: 'out', toEndpointGroup: 'back', toNetwork: 'n2', protocol: 'udp' }),
    { ...rule('1'), policyName: 'other' },
    { ...rule('1'), tenantName: 'blue' },
  ],
}
const stored = { 'POST /api/v1/rules/default:web:1/': {} }
const asRule = (more: object) => [
  [
    'POST /api/v1/rules/default:web:1/',
    { tenantName: 'default', policyName: 'web', ruleId: '1', direction: 'in', priority: 1, action: 'allow', ...more },
  ] as const,
  ...settled,
]

testLines([
  {
    line: 'policy create -t blue web',
    answers: { 'POST /api/v1/policys/blue:web/': {} },
    asked: [['POST /api/v1/policys/blue:web/', { tenantName: 'blue', policyName: 'web' }], ...settled],
    out: 'Creating policy blue:web\n',
  },
  { line: 'policy create', asked: [], status: 1, err: /policy create needs POLICY/ },
  {
    line: 'policy ls',
    answers: policies,
    asked: askedList('policys'),
    out: 'Tenant   Policy\n------   ------\ndefault  web\n',
  },
  {
    line: 'policy ls -a -o wide',
    answers: policies,
    out: [
      'Tenant   Policy  Rules  Groups\n',
      '------   ------  -----  ------\n',
      'blue     db      0      \n',
      'default  web     2      front,back\n',
    ].join(''),
  },
  {
    line: 'policy rm web',
    answers: {
      'DELETE /api/v1/policys/default:web/': { status: 409, text: 'policy default:web is used by group front' },
    },
    out: 'Deleting policy default:web\n',
    status: 3,
    err: /used by group front/,
  },
  {
    line: 'policy rule-ls web',
    answers: rules,
    asked: ['GET /api/v1/tenants/default/', 'GET /api/v1/policys/default:web/', 'GET /api/v1/rules/'],
    out: [
      'Incoming Rules:\n',
      'Rule  Priority  From EndpointGroup  From Network  From IpAddress  To IpAddress  Protocol  Port          Action\n',
      '----  --------  ------------------  ------------  ---------       ------------  --------  ----          ------\n',
      '9     1                                                                         sctp      80,8000-8100  allow\n',
      '10    1         front                             10.1.1.9                      tcp       443           allow\n',
      '3     10                            n1                                                    0             deny\n',
      'Outgoing Rules:\n',
      'Rule  Priority  To EndpointGroup  To Network  To IpAddress  Protocol  Port  Action\n',
      '----  --------  ----------------  ----------  ---------     --------  ----  ------\n',
      'o2    1         back              n2                        udp       0     allow\n',
      'out   100                                     10.1.2.0/24   icmp      0     deny\n',
    ].join(''),
  },
  { line: 'rule list -q web', answers: rules, out: '9\n10\no2\n3\nout\n' },
  {
    line: 'policy rule-ls nope',
    answers: { ...getTenant, 'GET /api/v1/policys/': policies['GET /api/v1/policys/'] },
    status: 3,
  },
  { line: 'policy rule-add web 1', answers: stored, asked: asRule({}), out: '' },
  {
    line: 'policy rule-add web 1 -direction=in -protocol=tcp -port=80 -action=deny -priority=10',
    answers: stored,
    asked: asRule({ protocol: 'tcp', port: 80, action: 'deny', priority: 10 }),
    out: '',
  },
  {
    line: 'policy rule-add -d in -g front -i 10.1.1.9 -s 10.1.1.7 -l udp -P 53 web 1',
    answers: stored,
    asked: asRule({
      fromEndpointGroup: 'front',
      fromIpAddress: '10.1.1.9',
      toIpAddress: '10.1.1.7',
      protocol: 'udp',
      port: 53,
    }),
  },
  {
    line: 'policy rule-add web 1 --port=80,443,8000-8100 -l sctp -i 2001:db8::1-2001:db8::ff,10.1.1.9',
    answers: stored,
    asked: asRule({
      fromIpAddress: '2001:db8::1-2001:db8::ff,10.1.1.9',
      protocol: 'sctp',
      ports: '80,443,8000-8100',
    }),
  },
  { line: 'policy rule-add web 1 -P many', answers: stored, asked: asRule({ ports: 'many' }) },
  { line: 'policy rule-add web 1 --port=', asked: [], status: 1, err: /--port needs ports/ },
  {
    line: 'policy rule-add -d out -e back -s 10.1.1.9 web 1',
    answers: stored,
    asked: asRule({ direction: 'out', toEndpointGroup: 'back', toIpAddress: '10.1.1.9' }),
  },
  {
    line: 'rule add -direction out -network n2 -ip-address 10.1.1.9 -action accept web 1',
    answers: stored,
    asked: asRule({ direction: 'out', toNetwork: 'n2', toIpAddress: '10.1.1.9' }),
  },
  { line: 'rule add -group front web 1', answers: stored, asked: asRule({ fromEndpointGroup: 'front' }) },
  {
    line: 'policy rule-add -p 0 -P 0 web 1',
    answers: stored,
    asked: [
      [
        'POST /api/v1/rules/default:web:1/',
        { tenantName: 'default', policyName: 'web', ruleId: '1', direction: 'in', action: 'allow' },
      ],
      ...settled,
    ],
  },
  {
    line: 'policy rule-add -p -1 -j drop web 1',
    answers: { 'POST /api/v1/rules/default:web:1/': { status: 400, text: 'priority is below 1' } },
    asked: asRule({ priority: -1, action: 'drop' }).slice(0, 1),
    status: 3,
    err: /priority/,
  },
  ...[
    ['-d in -e back', /--to-group does not go with --direction=in/],
    ['-d in -o n1', /--to-network does not go with --direction=in/],
    ['-d in -g front -n n1', /one of --from-group and --from-network/],
    ['-d out -g front', /--from-group does not go with --direction=out/],
    ['-d out -n n1', /--from-network does not go with --direction=out/],
    ['-d out -i 1.2.3.4', /--from-ip-address does not go with --direction=out/],
    ['-d out -e back -o n1', /one of --to-group and --to-network/],
    ['-d both', /in or out, not 'both'; for both directions add two rules/],
    ['-d sideways', /in or out, not 'sideways'/],
  ].map(([flags, err]) => ({
    line: `policy rule-add ${flags} web 1`,
    asked: [],
    status: 1,
    err: err as RegExp,
  })),
  {
    line: 'policy rule-add web',
    asked: [],
    status: 1,
    err: /policy rule-add needs RULE.*Usage: netctl policy rule-add/s,
  },
  {
    line: 'policy rule-rm web 1',
    answers: { 'DELETE /api/v1/rules/default:web:1/': 'default:web:1' },
    asked: ['DELETE /api/v1/rules/default:web:1/', ...settled],
    out: '',
  },
])
