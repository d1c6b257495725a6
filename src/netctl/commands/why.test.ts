import type { WhyAnswer } from '../../model/why.ts'
import { testLines } from '../test-lines.ts'

const web: WhyAnswer['source'] = {
  kind: 'endpoint',
  name: 'web',
  address: '10.1.1.1',
  group: 'front',
  network: 'n.default',
  encap: 'vxlan 1',
  hosts: ['node1'],
  endpointID: 'e1',
}
const db = { ...web, name: 'db', address: '10.1.1.2', group: '', hosts: ['node2'], endpointID: 'e2' }
const rule = { policyName: 'p', priority: 1 } as const
const denied: WhyAnswer = {
  verdict: 'denied',
  connection: 'tcp/80',
  family: 'ipv4',
  source: db,
  destination: web,
  way: { leads: 'yes', code: 'SAME_NETWORK', text: 'network n, by tunnel from node2 to node1' },
  sender: { decidedBy: 'unjudged', action: 'allow', group: '', hosts: ['node2'], overruled: [], text: 'in no group' },
  receiver: {
    decidedBy: 'rule',
    action: 'deny',
    group: 'front',
    hosts: ['node1'],
    rule: { ...rule, key: 'default:p:1', ruleId: '1', action: 'deny', text: 'deny tcp from anybody' },
    overruled: [{ ...rule, key: 'default:p:2', ruleId: '2', action: 'allow', text: 'allow everything from anybody' }],
    flow: { table: 46, tableName: 'Ingress', priority: 303, cookie: '0x6e70', match: 'reg2=1', text: 'Ingress 303: x' },
    text: 'rule 1 of policy p denies it (priority 1): deny tcp from anybody',
  },
  exceptions: [],
}
const noWay: WhyAnswer = {
  verdict: 'no way',
  connection: 'icmp',
  family: 'ipv4',
  source: web,
  destination: { ...web, kind: 'address', name: '192.0.2.1', address: '192.0.2.1', group: '', hosts: [] },
  way: { leads: 'no', code: 'NO_EXIT', text: 'leads nowhere' },
  exceptions: [],
}
const { flow: _flow, ...nowhere } = { ...denied.receiver!, hosts: [] }
const ofGroup: WhyAnswer = {
  ...denied,
  destination: { ...web, kind: 'group', name: 'front', hosts: [] },
  receiver: nowhere,
  exceptions: [{ source: '10.1.1.2', destination: '10.1.1.9', verdict: 'allowed', text: 'rule default:p:3 decides' }],
}

const ofService: WhyAnswer = {
  ...noWay,
  verdict: 'depends',
  connection: 'tcp/80',
  destination: { ...web, kind: 'service', name: 'shop', address: '10.1.1.100', group: '', hosts: [], endpointID: '' },
  way: { leads: 'yes', code: 'SERVICE', text: 'service shop leads port 80 to port 8080 of one of 2 providers' },
  providers: [
    { name: 'a', address: '10.1.1.2', port: 8080, host: 'node1', endpointID: 'a', verdict: 'allowed', text: 'no rule' },
    { name: 'b', address: '10.1.1.3', port: 8080, host: 'node2', endpointID: 'b', verdict: 'denied', text: 'rule 1' },
  ],
}

const asked = 'GET /api/v1/inspect/why/default/db/web/tcp:80/'

testLines([
  {
    line: 'why db web tcp/80',
    answers: { [asked]: denied },
    asked: [asked],
    out: [
      'db (10.1.1.2, no group, on node2) to web (10.1.1.1, group front, on node1), tcp/80: denied\n',
      '  way       network n, by tunnel from node2 to node1\n',
      '  sender    allowed: in no group\n',
      '  receiver  denied on node1: rule 1 of policy p denies it (priority 1): deny tcp from anybody\n',
      '            which comes before rule 2 of policy p (priority 1): allow everything from anybody\n',
      '            by flow Ingress 303: x\n',
      '            ovs-ofctl -O OpenFlow14 dump-flows np-int cookie=0x6e70/-1\n',
    ].join(''),
  },
  {
    line: 'why web shop tcp/80',
    answers: { 'GET /api/v1/inspect/why/default/web/shop/tcp:80/': ofService },
    out: [
      'web (10.1.1.1, group front, on node1) to service shop (10.1.1.100), tcp/80: depends on the provider\n',
      '  way       service shop leads port 80 to port 8080 of one of 2 providers\n',
      '  a (10.1.1.2, on node1)  allowed: no rule\n',
      '  b (10.1.1.3, on node2)  denied: rule 1\n',
    ].join(''),
  },
  {
    line: 'why -t blue web 192.0.2.1 icmp',
    answers: { 'GET /api/v1/inspect/why/blue/web/192.0.2.1/icmp/': noWay },
    out: 'web (10.1.1.1, group front, on node1) to 192.0.2.1, icmp: no way\n  way       leads nowhere\n',
  },
  {
    line: 'why db group:front tcp/80',
    answers: { 'GET /api/v1/inspect/why/default/db/group:front/tcp:80/': ofGroup },
    out: [
      'db (10.1.1.2, no group, on node2) to a member of group front, tcp/80: denied\n',
      '  way       network n, by tunnel from node2 to node1\n',
      '  sender    allowed: in no group\n',
      '  receiver  denied: rule 1 of policy p denies it (priority 1): deny tcp from anybody\n',
      '            which comes before rule 2 of policy p (priority 1): allow everything from anybody\n',
      '            nowhere yet: no host has a member of the group\n',
      '  but from 10.1.1.2 to 10.1.1.9 allowed: rule default:p:3 decides\n',
    ].join(''),
  },
  ...[
    'why db --dst-group front tcp/80',
    'why --dst-group=front db tcp/80',
    'why --src-group back --dst-group front tcp/80',
    'why --src-group back group:front tcp/80',
  ].map((line) => {
    const source = line.includes('back') ? 'group:back' : 'db'
    const path = `GET /api/v1/inspect/why/default/${source}/group:front/tcp:80/`
    return { line, answers: { [path]: ofGroup }, asked: [path] }
  }),
  {
    line: 'why --src-group back web db tcp/80',
    asked: [],
    status: 1,
    err: /why takes 2 arguments; 'tcp\/80' is too many/,
  },
  { line: 'why --src-group back tcp/80', asked: [], status: 1, err: /why needs CONNECTION/ },
  { line: 'why --json db web tcp/80', answers: { [asked]: denied }, out: `${JSON.stringify(denied, null, 2)}\n` },
  { line: 'why db web', asked: [], status: 1, err: /why needs CONNECTION/ },
  {
    line: 'why db web http',
    asked: [],
    status: 1,
    err: /"http" names no protocol; write tcp\/443.*Usage: netctl why/s,
  },
  {
    line: 'why db web tcp/80',
    answers: { [asked]: { status: 404, text: 'endpoint db not found' } },
    status: 3,
    err: /endpoint db not found/,
  },
])
