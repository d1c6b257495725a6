import { askedList, getTenant, settled, testLines } from '../test-lines.ts'

const web = {
  key: 'default:web',
  tenantName: 'default',
  serviceName: 'web',
  networkName: 'n1',
  selectors: ['app=web', 'tier=front'],
  ports: ['80:8080:TCP'],
}

testLines([
  {
    line: 'service create -s n1 -l app=web --selector tier=front -p 80:8080:TCP -port=53:53:udp --preferred-ip 10.1.1.9 web',
    answers: { 'POST /api/v1/serviceLBs/default:web/': {} },
    asked: [
      [
        'POST /api/v1/serviceLBs/default:web/',
        {
          tenantName: 'default',
          serviceName: 'web',
          networkName: 'n1',
          ipAddress: '10.1.1.9',
          selectors: ['app=web', 'tier=front'],
          ports: ['80:8080:TCP', '53:53:udp'],
        },
      ],
      ...settled,
    ],
    out: 'Creating ServiceLB default:web\n',
  },
  {
    line: 'service create -s n1 -l a=b -p 80:80:tcp --affinity=client web',
    answers: { 'POST /api/v1/serviceLBs/default:web/': {} },
    asked: [
      [
        'POST /api/v1/serviceLBs/default:web/',
        {
          tenantName: 'default',
          serviceName: 'web',
          networkName: 'n1',
          selectors: ['a=b'],
          ports: ['80:80:tcp'],
          affinity: 'client',
        },
      ],
      ...settled,
    ],
    out: 'Creating ServiceLB default:web\n',
  },
  {
    line: 'service create -s n1 -l a=b -p 80:80:tcp --affinity=port web',
    asked: [],
    status: 1,
    err: /affinity "port"/,
  },
  {
    line: 'service stats web',
    answers: {
      'GET /api/v1/inspect/serviceLBs/default:web/stats/': {
        key: 'default:web',
        address: '10.1.1.9',
        providers: [
          {
            name: 'web1',
            address: '10.1.1.2',
            host: 'a',
            to: { packets: 5, bytes: 400 },
            from: { packets: 4, bytes: 9000 },
          },
        ],
        silent: ['b'],
      },
    },
    out: [
      'Provider  Address   Host  Packets to  Bytes to  Packets from  Bytes from\n',
      '--------  -------   ----  ----------  --------  ------------  ----------\n',
      'web1      10.1.1.2  a     5           400       4             9000\n',
      'without b, which did not answer\n',
    ].join(''),
  },
  { line: 'service create -l a=b -p 80:80:tcp web', asked: [], status: 1, err: /needs a network/ },
  {
    line: 'service ls',
    answers: { ...getTenant, 'GET /api/v1/serviceLBs/': [web] },
    asked: askedList('serviceLBs'),
    out: [
      'ServiceName  Tenant    Network  Selectors\n',
      '---------    --------  -------  ---------\n',
      'web          default   n1       app=web,tier=front\n',
    ].join(''),
  },
  {
    line: 'service delete -t blue web',
    answers: { 'DELETE /api/v1/serviceLBs/blue:web/': 'blue:web' },
    out: 'Deleting Service  web,blue\n',
  },
])
