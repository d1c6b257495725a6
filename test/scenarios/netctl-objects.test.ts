// Policies, rules, profiles, services and what connects the cluster to the outside, through the command line, against a
// fresh cluster. Where the outcome differs on purpose from what the original command line did, a comment says so.

import { test } from 'node:test'
import { runInOrder, startCluster } from '../support/command-lines.ts'

const ruleTables = (incoming: readonly string[], outgoing: readonly string[]) =>
  [
    'Incoming Rules:',
    'Rule  Priority  From EndpointGroup  From Network  From IpAddress  To IpAddress  Protocol  Port   Action',
    '----  --------  ------------------  ------------  ---------       ------------  --------  ----   ------',
    ...incoming,
    'Outgoing Rules:',
    'Rule  Priority  To EndpointGroup  To Network  To IpAddress  Protocol  Port  Action',
    '----  --------  ----------------  ----------  ---------     --------  ----  ------',
    ...outgoing,
    '',
  ].join('\n')

test('policies and rules: every form of a rule, listed by priority, removed with their policy', async (t) => {
  const { url } = await startCluster(t)
  await runInOrder(url, [
    { line: 'net create -s 10.1.1.0/24 -g 10.1.1.254 n1' },
    { line: 'net create -s 10.1.2.0/24 -e vlan -p 20 n2' },
    { line: 'tenant create blue' },
    { line: 'net create -t blue -s 10.1.1.0/24 n1' },
    { line: 'group create n1 g1' },
    { line: 'group create -t blue n1 g1' },
    { line: 'policy ls', out: 'Tenant  Policy\n------  ------\n' },
    { line: 'policy create', status: 1 },
    { line: 'policy create p1', out: 'Creating policy default:p1\n' },
    { line: 'policy create p1', out: 'Creating policy default:p1\n' },
    { line: 'policy create a b', status: 1 },
    { line: 'policy create -t nope p1', status: 3, err: /nope/ },
    { line: 'policy create -t blue p1', out: 'Creating policy blue:p1\n' },
    { line: 'policy ls', out: 'Tenant   Policy\n------   ------\ndefault  p1\n' },
    { line: 'policy ls -a', out: 'Tenant   Policy\n------   ------\nblue     p1\ndefault  p1\n' },
    { line: 'policy ls -q', out: 'p1\n' },
    { line: 'policy ls -t nope', status: 3, err: /nope/ },
    { line: 'policy inspect p1', out: /"policyName": "p1",.*"Oper": \{\}/s },
    { line: 'policy inspect pl', status: 3, err: /did you mean 'p1'\?/ },
    {
      line: 'policy rule-ls p1',
      out: ruleTables([], []).replaceAll('Port   ', 'Port  ').replaceAll('----   ------\nOut', '----  ------\nOut'),
    },
    { line: 'policy rule-ls nope', status: 3, err: /nope/ },
    { line: 'policy rule-ls -t nope p1', status: 3, err: /nope/ },
    { line: 'policy rule-add p1', status: 1 },
    { line: 'policy rule-add p1 1', out: '' },
    { line: 'policy rule-add -j deny -l tcp -P 80 p1 2' },
    { line: 'policy rule-add -d in -l tcp -P 8080 -j allow -p 10 p1 3' },
    { line: 'policy rule-add -d in -g g1 -l udp -P 53 p1 4' },
    { line: 'policy rule-add -d in -n n1 -l tcp -P 443 p1 5' },
    { line: 'policy rule-add -d in -i 10.1.1.5 -l tcp -P 22 p1 6' },
    { line: 'policy rule-add -d in -i 10.1.1.0/24 -l icmp p1 7' },
    { line: 'policy rule-add -d out -e g1 -l tcp -P 80 p1 8' },
    { line: 'policy rule-add -d out -o n2 -l udp p1 9' },
    { line: 'policy rule-add -d out -s 10.1.2.0/24 -j deny p1 10' },
    { line: 'policy rule-add -d out -l icmp -j deny -p 100 p1 11' },
    { line: 'policy rule-add -d in -g g1 -i 10.1.1.9 -l tcp -P 81 p1 12' },
    { line: 'policy rule-add -d out -e g1 -s 10.1.1.9 -l tcp -P 82 p1 13' },
    { line: 'policy rule-add -t blue -g g1 p1 1' },
    { line: 'policy rule-add -p 0 p1 x2' },
    { line: 'policy rule-add -P 65535 -l tcp p1 x4' },
    { line: 'policy rule-add -l 47 p1 x10' },
    { line: 'policy rule-add -i 10.1.1.5-10 p1 x17' },
    {
      line: 'policy rule-ls p1',
      out: ruleTables(
        [
          '1     1                                                                                   0      allow',
          '2     1                                                                         tcp       80     deny',
          '4     1         g1                                                              udp       53     allow',
          '5     1                             n1                                          tcp       443    allow',
          '6     1                                           10.1.1.5                      tcp       22     allow',
          '7     1                                           10.1.1.0/24                   icmp      0      allow',
          '12    1         g1                                10.1.1.9                      tcp       81     allow',
          'x2    1                                                                                   0      allow',
          'x4    1                                                                         tcp       65535  allow',
          'x10   1                                                                         47        0      allow',
          'x17   1                                           10.1.1.5-10                             0      allow',
          '3     10                                                                        tcp       8080   allow',
        ],
        [
          '8     1         g1                                          tcp       80    allow',
          '9     1                           n2                        udp       0     allow',
          '10    1                                       10.1.2.0/24             0     deny',
          '13    1         g1                            10.1.1.9      tcp       82    allow',
          '11    100                                                   icmp      0     deny',
        ],
      ),
    },
    { line: 'policy rule-ls -q -t blue p1', out: '1\n' },
    {
      line: 'policy rule-ls --json -t blue p1',
      out: /^\[\n {2}\{\n {4}"key": "blue:p1:1",\n {4}"action": "allow",\n {4}"direction": "in",\n {4}"fromEndpointGroup": "g1",/,
    },
    // A rule may change; the original wanted it removed and added.
    { line: 'policy rule-add -j deny p1 1' },
    { line: 'policy inspect p1', out: /"Rules": \{\s+"default:p1:1": \{\s+"type": "rule"/ },
    { line: 'group create -p p1 n1 gp1', out: 'Creating EndpointGroup default:gp1\n' },
    { line: 'group create -p nope n1 gp2', status: 3, err: /nope/ },
    { line: 'policy create p2' },
    { line: 'group create -p p1 -p p2 n1 gp3' },
    { line: 'group inspect gp3', out: /"policies": \[\s+"p1",\s+"p2"\s+\].*"Policies": \{\s+"default:p1": \{/s },
    { line: 'policy inspect p1', out: /"EndpointGroups": \{\s+"default:gp1": \{.*"default:gp3": \{/s },
    { line: 'group create -policy=p2,p1 n1 gp3' },
    { line: 'group create n1 gp3' },
    { line: 'group create -p p1 n2 gp3', status: 3, err: /network/ },
    { line: 'policy rule-add -d in -l tcp -P 99 -j deny p1 20' },
    { line: 'policy rule-rm p1 20', out: '' },
    { line: 'policy rule-rm p1 20', status: 3, err: /20/ },
    { line: 'policy rule-rm p1', status: 1 },
    { line: 'policy rule-rm nope 1', status: 3 },
    { line: 'policy rm p1', status: 3, out: 'Deleting policy default:p1\n', err: /gp1/ },
    // A group that rules name stays; the original let it go and left the rules pointing nowhere.
    { line: 'group rm g1', status: 3, err: /rule/ },
    { line: 'group rm gp1', out: '' },
    { line: 'policy rm p1', out: 'Deleting policy default:p1\n' },
    { line: 'policy rule-ls p1', status: 3, err: /p1/ },
    { line: 'policy rm p1', status: 3 },
    { line: 'group rm g1' },
    { line: 'policy rm -t blue p1' },
    { line: 'group rm -t blue g1' },
    { line: 'net rm -t blue n1' },
    { line: 'tenant rm blue' },
    { line: 'policy ls', out: 'Tenant   Policy\n------   ------\ndefault  p2\n' },
  ])
})

test('profiles, contracts and application profiles: used by groups, and kept while they are', async (t) => {
  const { url } = await startCluster(t)
  await runInOrder(url, [
    { line: 'net create -s 10.1.1.0/24 n1' },
    { line: "netprofile create -b '10 Mbps' -d 46 -s 1500 gold", out: 'Creating netprofile default:gold\n' },
    { line: 'netprofile create -b 4G plain' },
    {
      line: 'netprofile ls',
      out: [
        'Name    Tenant   Bandwidth  DSCP      burst size\n',
        '------  ------   ---------  --------  ----------\n',
        'gold    default  10Mbps     46        1500\n',
        'plain   default  4Gbps      0         0\n',
      ].join(''),
    },
    {
      line: 'external-contracts create -c -a uni/tn-a/brc-a outside',
      out: 'Creating ExternalContracts default:outside\n',
    },
    {
      line: 'external-contracts ls',
      out: [
        'Tenant   Name       Type        Contracts\n',
        '------   ------     ------      -------\n',
        'default  outside    consumed    uni/tn-a/brc-a\n',
      ].join(''),
    },
    { line: 'group create -n gold -e outside n1 front' },
    { line: 'group ls', out: /^default {2}front {2}n1 .* gold\n$/m },
    { line: 'netprofile inspect gold', out: /"EndpointGroups": \{\s+"default:front"/ },
    { line: 'netprofile rm gold', status: 3, err: /front/ },
    { line: 'external-contracts rm outside', status: 3, err: /front/ },
    { line: 'app-profile create -g front shop', out: 'Creating AppProfile default:shop\n' },
    {
      line: 'app-profile ls',
      out: 'Tenant   AppProfile  Groups\n------   ----------  ------\ndefault  shop        front\n',
    },
    { line: 'app-profile group-ls -q shop', out: 'front\n' },
    { line: 'group rm front', status: 3, err: /shop/ },
    { line: 'group create n1 back' },
    { line: 'app-profile update -g front,back shop', out: 'Updating AppProfile default:shop\n' },
    { line: 'app-profile update -g back shpo', status: 3, err: /did you mean 'shop'\?/ },
    { line: 'app-profile rm shop', out: 'Deleting AppProfile default:shop\n' },
    { line: 'group rm front' },
    { line: 'netprofile rm gold', out: 'Deleting netprofile default:gold\n' },
    { line: 'external-contracts rm outside', out: 'Deleting ExternalContracts default:outside\n' },
  ])
})

test('services have an address of their network; BGP and the ACI gateway are kept for the fabric', async (t) => {
  const { url } = await startCluster(t)
  await runInOrder(url, [
    { line: 'net create -s 10.1.1.0/24 -g 10.1.1.254 n1' },
    { line: 'service create -s n1 -l app=web -p 80:8080:TCP web', out: 'Creating ServiceLB default:web\n' },
    {
      line: 'service ls',
      out: [
        'ServiceName  Tenant    Network  Selectors\n',
        '---------    --------  -------  ---------\n',
        'web          default   n1       app=web\n',
      ].join(''),
    },
    { line: 'service inspect web', out: /"serviceVip": "10\.1\.1\.\d+"/ },
    { line: 'service create -s n1 -l app=web -p 80:8080:TCP --ip 10.1.1.254 w2', status: 3, err: /10\.1\.1\.254/ },
    { line: 'net rm n1', status: 3, err: /service/ },
    { line: 'service rm web', out: 'Deleting Service  web,default\n' },
    { line: 'net rm n1' },
    { line: 'bgp create h1 --router-ip 50.1.1.1/24 --as 65000 --neighbor-as 500 --neighbor 50.1.1.2', out: '' },
    {
      line: 'bgp ls',
      out: [
        'HostName   RouterIP     AS       Neighbor  NeighborAS\n',
        '---------  --------     -------  --------  -------\n',
        'h1         50.1.1.1/24  65000    50.1.1.2  500\n',
      ].join(''),
    },
    { line: 'bgp inspect h1', out: /"neighbor-as": "500"/ },
    { line: 'bgp rm h1', out: 'Deleting Bgp router config: h1\n' },
    { line: 'bgp rm h1', status: 3, err: /h1/ },
    { line: 'aci-gw set', status: 3, err: /physicalDomain/ },
    { line: 'aci-gw set -d dom -e no', out: '' },
    { line: 'aci-gw set -n topology/pod-1/node-101' },
    {
      line: 'aci-gw info',
      out: [
        'Path bindings: \nNode bindings: topology/pod-1/node-101\nPhysical domain: dom\n',
        'Enforce policies: no\nInclude common tenant: no\n',
      ].join(''),
    },
    { line: 'aci-gw rm', out: 'Deleting ACI gateway\n' },
    { line: 'aci-gw info', out: '' },
  ])
})

test('endpoints: listed, shown by part of a name, and forgotten when their containers are gone', async (t) => {
  const { url, cluster } = await startCluster(t)
  await runInOrder(url, [{ line: 'net create -s 10.1.1.0/24 n1' }, { line: 'group create n1 front' }])
  for (const [EndpointID, ServiceName] of [
    ['1111', ''],
    ['2222', 'front'],
    ['3333', ''],
  ]) {
    await cluster.ok('POST', '/plugin/createEndpoint', {
      TenantName: 'default',
      NetworkName: 'n1',
      ServiceName,
      EndpointID,
      EPCommonName: `web-${EndpointID}`,
      ConfigEP: { Host: 'node1' },
    })
  }
  await runInOrder(url, [
    {
      line: 'endpoint ls',
      out: [
        'Endpoint  Container  Network     Group  Address   Node\n',
        '--------  ---------  -------     -----  -------   ----\n',
        '1111      web-1111   n1.default         10.1.1.1  node1\n',
        '2222      web-2222   n1.default  front  10.1.1.2  node1\n',
        '3333      web-3333   n1.default         10.1.1.3  node1\n',
      ].join(''),
    },
    { line: 'ep inspect web-33', out: /"endpointID": "3333"/ },
    { line: 'net rm n1', status: 3 },
    { line: 'ep rm web-33', status: 1, err: /--yes/ },
    { line: 'ep rm -y web-33', out: 'Deleted endpoint 3333\n' },
    { line: 'ep cleanup -y --group front', out: 'Deleted endpoint 2222\n' },
    { line: 'ep cleanup -y --network n1', out: 'Deleted endpoint 1111\n' },
    { line: 'ep cleanup -y --network n1', out: 'Nothing to clean up\n' },
    { line: 'group rm front' },
    { line: 'net rm n1' },
  ])
})
