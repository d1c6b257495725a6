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
