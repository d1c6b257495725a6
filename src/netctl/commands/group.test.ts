import { askedList, getTenant, settled, testLines } from '../test-lines.ts'

const group = (tenantName: string, groupName: string, more: object = {}) => ({
  key: `${tenantName}:${groupName}`,
  tenantName,
  groupName,
  networkName: 'n1',
  ...more,
  'link-sets': {},
  links: { AppProfile: {}, NetProfile: {}, Network: {}, Tenant: {} },
})
const groups = {
  ...getTenant,
  'GET /api/v1/endpointGroups/': [
    group('default', 'gtag', { cfgdTag: 'mytag' }),
    group('default', 'gpool', { ipPool: '10.1.1.10-10.1.1.20' }),
    group('blue', 'g1'),
    group('default', 'g1', { policies: ['p1', 'p2'] }),
  ],
}

testLines([
  {
    line: 'group ls',
    answers: groups,
    asked: askedList('endpointGroups'),
    out: [
      'Tenant   Group  Network  IP Pool              CfgdTag  Policies  Network profile\n',
      '------   -----  -------  -------              -------  --------  ---------------\n',
      'default  g1     n1                                     p1,p2     \n',
      'default  gpool  n1       10.1.1.10-10.1.1.20                     \n',
      'default  gtag   n1                            mytag              \n',
    ].join(''),
  },
  {
    line: 'group ls -a',
    answers: groups,
    asked: ['GET /api/v1/endpointGroups/'],
    out: [
      'Tenant   Group  Network  IP Pool              CfgdTag  Policies  Network profile\n',
      '------   -----  -------  -------              -------  --------  ---------------\n',
      'blue     g1     n1                                               \n',
      'default  g1     n1                                     p1,p2     \n',
      'default  gpool  n1       10.1.1.10-10.1.1.20                     \n',
      'default  gtag   n1                            mytag              \n',
    ].join(''),
  },
  {
    line: 'group ls',
    answers: { ...getTenant, 'GET /api/v1/endpointGroups/': [] },
    out: [
      'Tenant  Group  Network  IP Pool  CfgdTag  Policies  Network profile\n',
      '------  -----  -------  -------  -------  --------  ---------------\n',
    ].join(''),
  },
  { line: 'group ls --json', answers: { ...getTenant, 'GET /api/v1/endpointGroups/': [] }, out: '[]\n' },
  { line: 'group ls x', asked: [], status: 1 },
  {
    line: 'group create n1 g1',
    answers: { 'POST /api/v1/endpointGroups/default:g1/': {} },
    asked: [
      ['POST /api/v1/endpointGroups/default:g1/', { tenantName: 'default', groupName: 'g1', networkName: 'n1' }],
      ...settled,
    ],
    out: 'Creating EndpointGroup default:g1\n',
  },
  {
    line: 'group create -t blue -p p1 -policy=p2 -n fast -e c1 -r 10.1.1.10-10.1.1.20 --epg-tag etag n1 g1',
    answers: { 'POST /api/v1/endpointGroups/blue:g1/': {} },
    asked: [
      [
        'POST /api/v1/endpointGroups/blue:g1/',
        {
          tenantName: 'blue',
          groupName: 'g1',
          networkName: 'n1',
          policies: ['p1', 'p2'],
          netProfile: 'fast',
          extContractsGrps: ['c1'],
          ipPool: '10.1.1.10-10.1.1.20',
          cfgdTag: 'etag',
        },
      ],
      ...settled,
    ],
    out: 'Creating EndpointGroup blue:g1\n',
  },
  { line: 'group create n1', asked: [], status: 1, err: /group create needs GROUP/ },
  { line: 'group create', asked: [], status: 1, err: /group create needs NETWORK and GROUP/ },
  { line: 'group create n1 g1 g2', asked: [], status: 1, err: /takes 2 arguments; 'g2' is too many/ },
  {
    line: 'group rm -t blue g1',
    answers: { 'DELETE /api/v1/endpointGroups/blue:g1/': 'blue:g1' },
    asked: ['DELETE /api/v1/endpointGroups/blue:g1/', ...settled],
    out: '',
  },
  {
    line: 'group inspect g1',
    answers: { 'GET /api/v1/inspect/endpointGroups/default:g1/': { Oper: {} } },
    out: '{\n  "Oper": {}\n}\n',
  },
])
