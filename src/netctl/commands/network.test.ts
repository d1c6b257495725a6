import { askedList, getTenant, settled, testLines } from '../test-lines.ts'

const x1 = {
  key: 'default:x1',
  tenantName: 'default',
  networkName: 'x1',
  nwType: 'data',
  encap: 'vxlan',
  subnet: '10.1.2.0/24',
  'link-sets': {},
  links: {},
}

const networks = {
  ...getTenant,
  'GET /api/v1/networks/': [
    {
      key: 'default:v10',
      tenantName: 'default',
      networkName: 'v10',
      nwType: 'data',
      encap: 'vlan',
      pktTag: 10,
      subnet: '10.1.1.0/24',
      gateway: '10.1.1.254',
      ipv6Subnet: '2001:db8:1::/64',
      ipv6Gateway: '2001:db8:1::1',
      cfgdTag: 'blue-tag',
    },
    x1,
  ],
}

testLines([
  {
    line: 'net create web -s 10.1.1.0/24 -g 10.1.1.254 --nat=off',
    answers: { 'POST /api/v1/networks/default:web/': {} },
    asked: [
      [
        'POST /api/v1/networks/default:web/',
        {
          tenantName: 'default',
          networkName: 'web',
          nwType: 'data',
          subnet: '10.1.1.0/24',
          gateway: '10.1.1.254',
          nat: 'off',
        },
      ],
      ...settled,
    ],
    out: 'Creating network default:web\n',
  },
  {
    line: 'net set --nat -t blue web',
    answers: {
      'GET /api/v1/networks/blue:web/': {
        key: 'blue:web',
        subnet: '10.1.1.0/24',
        cfgdTag: 'x',
        links: {},
        'link-sets': {},
      },
      'POST /api/v1/networks/blue:web/': {},
    },
    asked: [
      'GET /api/v1/networks/blue:web/',
      ['POST /api/v1/networks/blue:web/', { subnet: '10.1.1.0/24', cfgdTag: 'x', nat: 'on' }],
      ...settled,
    ],
    out: '',
  },
  { line: 'net set web', asked: [], status: 1, err: /nothing to change; give --multicast or --nat/ },
  { line: 'net set --nat=perhaps web', asked: [], status: 1, err: /--nat is on or off, not 'perhaps'/ },
  {
    line: 'net create contiv-net --subnet=20.1.1.0/24 --gateway=20.1.1.254 --pkt-tag=1001',
    answers: { 'POST /api/v1/networks/default:contiv-net/': {} },
    asked: [
      [
        'POST /api/v1/networks/default:contiv-net/',
        {
          tenantName: 'default',
          networkName: 'contiv-net',
          nwType: 'data',
          pktTag: 1001,
          subnet: '20.1.1.0/24',
          gateway: '20.1.1.254',
        },
      ],
      ...settled,
    ],
    out: 'Creating network default:contiv-net\n',
  },
  {
    line: 'network create -t blue -subnet=10.1.1.0/24 -e vlan -p 10 -s6 2001:db8::/64 -g6=2001:db8::1 -n infra -tag x v10',
    answers: { 'POST /api/v1/networks/blue:v10/': {} },
    asked: [
      [
        'POST /api/v1/networks/blue:v10/',
        {
          tenantName: 'blue',
          networkName: 'v10',
          nwType: 'infra',
          encap: 'vlan',
          pktTag: 10,
          subnet: '10.1.1.0/24',
          ipv6Subnet: '2001:db8::/64',
          ipv6Gateway: '2001:db8::1',
          cfgdTag: 'x',
        },
      ],
      ...settled,
    ],
    out: 'Creating network blue:v10\n',
  },
  { line: 'net create n1', asked: [], status: 1, err: /needs a subnet.*Usage: netctl network create/s },
  { line: 'net create -s 10.1.1.0/24', asked: [], status: 1, err: /network create needs NETWORK/ },
  { line: 'net create -s 10.1.1.0/24 -p ten n1', asked: [], status: 1, err: /-p needs a whole number, not 'ten'/ },
  { line: 'net create -s 10.1.1.0/24 --gatway 1 n1', asked: [], status: 1, err: /did you mean --gateway\?/ },
  {
    line: 'net ls',
    answers: networks,
    asked: askedList('networks'),
    out: [
      'Tenant   Network  Nw Type  Encap type  Packet tag  Subnet       Gateway     IPv6Subnet       IPv6Gateway    Cfgd Tag\n',
      '------   -------  -------  ----------  ----------  -------      ------      ----------       -----------    ---------\n',
      'default  v10      data     vlan        10          10.1.1.0/24  10.1.1.254  2001:db8:1::/64  2001:db8:1::1  blue-tag\n',
      'default  x1       data     vxlan       0           10.1.2.0/24                                              \n',
    ].join(''),
  },
  { line: 'net ls -q', answers: networks, out: 'v10\nx1\n' },
  {
    line: 'net ls -t nope',
    answers: { 'GET /api/v1/tenants/nope/': { status: 404, text: 'there is no tenant nope' } },
    asked: ['GET /api/v1/tenants/nope/', 'GET /api/v1/tenants/'],
    status: 3,
    err: /there is no tenant nope/,
  },
  {
    line: 'net rm n1',
    answers: {
      'DELETE /api/v1/networks/default:n1/': { status: 409, text: 'network n1 is used by endpoint web on node1' },
    },
    out: 'Deleting network default:n1\n',
    status: 3,
    err: /used by endpoint web/,
  },
  {
    line: 'net create -s 10.1.1.0/24 --multicast=snoop n1',
    answers: { 'POST /api/v1/networks/default:n1/': {} },
    asked: [
      [
        'POST /api/v1/networks/default:n1/',
        { tenantName: 'default', networkName: 'n1', nwType: 'data', subnet: '10.1.1.0/24', multicast: 'snoop' },
      ],
      ...settled,
    ],
    out: 'Creating network default:n1\n',
  },
  {
    line: 'net set --multicast=off x1',
    answers: { 'GET /api/v1/networks/default:x1/': x1, 'POST /api/v1/networks/default:x1/': {} },
    asked: [
      'GET /api/v1/networks/default:x1/',
      [
        'POST /api/v1/networks/default:x1/',
        {
          tenantName: 'default',
          networkName: 'x1',
          nwType: 'data',
          encap: 'vxlan',
          subnet: '10.1.2.0/24',
          multicast: 'off',
        },
      ],
      ...settled,
    ],
    out: '',
  },
  {
    line: 'net multicast x1',
    answers: {
      'GET /api/v1/inspect/networks/default:x1/multicast/': {
        key: 'default:x1',
        multicast: 'snoop',
        groups: [
          {
            group: '239.1.1.1',
            hosts: [
              { host: 'node1', members: 2 },
              { host: 'node2', members: 1 },
            ],
          },
        ],
        everything: ['node3'],
      },
    },
    out: [
      'Group      Members  Hosts\n',
      '-----      -------  -----\n',
      '239.1.1.1  3        node1 2, node2 1\n',
      'node3: all groups, for now\n',
    ].join(''),
  },
  {
    line: 'net multicast x1',
    answers: {
      'GET /api/v1/inspect/networks/default:x1/multicast/': {
        key: 'default:x1',
        multicast: 'off',
        groups: [],
        everything: [],
      },
    },
    out: 'default:x1: multicast goes to nobody (--multicast=off)\n',
  },
  {
    line: 'network inspect -t blue n1',
    answers: { 'GET /api/v1/inspect/networks/blue:n1/': { Oper: {} } },
    out: '{\n  "Oper": {}\n}\n',
  },
])
