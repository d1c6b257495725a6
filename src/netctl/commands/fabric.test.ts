// What connects the cluster to a network outside: BGP of hosts and the ACI gateway.

import { settled, testLines } from '../test-lines.ts'

const speaker = {
  key: 'h1',
  hostname: 'h1',
  routerip: '50.1.1.1/24',
  as: '65000',
  neighbor: '50.1.1.2',
  'neighbor-as': '500',
}
const gateway = {
  key: 'aciGw',
  name: 'aciGw',
  physicalDomain: 'dom',
  nodeBindings: 'topology/pod-1/node-101',
  enforcePolicies: 'yes',
  includeCommonTenant: 'no',
}

testLines([
  {
    line: 'bgp create h1 --router-ip 50.1.1.1/24 --as 65000 --neighbor-as 500 --neighbor 50.1.1.2',
    answers: { 'POST /api/v1/Bgps/h1/': {} },
    asked: [
      [
        'POST /api/v1/Bgps/h1/',
        { hostname: 'h1', routerip: '50.1.1.1/24', as: '65000', 'neighbor-as': '500', neighbor: '50.1.1.2' },
      ],
      ...settled,
    ],
    out: '',
  },
  { line: 'bgp create h1', asked: [], status: 1, err: /--router-ip/ },
  {
    line: 'bgp ls',
    answers: { 'GET /api/v1/Bgps/': [speaker] },
    out: [
      'HostName   RouterIP     AS       Neighbor  NeighborAS\n',
      '---------  --------     -------  --------  -------\n',
      'h1         50.1.1.1/24  65000    50.1.1.2  500\n',
    ].join(''),
  },
  { line: 'bgp ls -q', answers: { 'GET /api/v1/Bgps/': [speaker] }, out: 'h1\n' },
  { line: 'bgp rm h1', answers: { 'DELETE /api/v1/Bgps/h1/': 'h1' }, out: 'Deleting Bgp router config: h1\n' },
  {
    line: 'aci-gw set -d dom -e no',
    answers: { 'POST /api/v1/aciGws/aciGw/': {} },
    asked: [
      'GET /api/v1/aciGws/aciGw/',
      ['POST /api/v1/aciGws/aciGw/', { name: 'aciGw', physicalDomain: 'dom', enforcePolicies: 'no' }],
      ...settled,
    ],
    out: '',
  },
  {
    line: 'aci-gw set -include-common-tenant yes',
    answers: { 'GET /api/v1/aciGws/aciGw/': gateway, 'POST /api/v1/aciGws/aciGw/': {} },
    asked: [
      'GET /api/v1/aciGws/aciGw/',
      ['POST /api/v1/aciGws/aciGw/', { ...gateway, includeCommonTenant: 'yes' }],
      ...settled,
    ],
  },
  {
    line: 'aci-gw info',
    answers: { 'GET /api/v1/aciGws/': [gateway] },
    out: [
      'Path bindings: \nNode bindings: topology/pod-1/node-101\nPhysical domain: dom\n',
      'Enforce policies: yes\nInclude common tenant: no\n',
    ].join(''),
  },
  { line: 'aci-gw info', answers: { 'GET /api/v1/aciGws/': [] }, out: '' },
  { line: 'aci-gw rm', answers: { 'DELETE /api/v1/aciGws/aciGw/': 'aciGw' }, out: 'Deleting ACI gateway\n' },
])
