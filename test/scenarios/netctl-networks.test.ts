// Global settings, tenants, networks and groups through the command line, against a fresh cluster. Where the outcome
// differs on purpose from what the original command line did, a comment says so.

import { test } from 'node:test'
import { runInOrder, startCluster } from '../support/command-lines.ts'

const info = (changes: Partial<Record<'fabric' | 'forward' | 'arp' | 'vlans' | 'vxlans' | 'subnet', string>>) =>
  [
    `Fabric mode: ${changes.fabric ?? 'default'}\n`,
    `Forward mode: ${changes.forward ?? 'routing'}\n`,
    `ARP mode: ${changes.arp ?? 'proxy'}\n`,
    `Vlan Range: ${changes.vlans ?? '1-4094'}\n`,
    `Vxlan range: ${changes.vxlans ?? '1-10000'}\n`,
    `Private subnet: ${changes.subnet ?? '172.19.0.0/16'}\n`,
  ].join('')

const ranges = { vlans: '100-200', vxlans: '5000-6000' }
const longName = 'x'.repeat(64)

test('global settings: shown, changed one at a time, refused when wrong or when networks depend on them', async (t) => {
  const { url } = await startCluster(t)
  await runInOrder(url, [
    { line: 'global info', out: info({}) },
    {
      line: 'global inspect',
      out: /^\{\n {2}"Config": \{\n {4}"key": "global",.*"Oper": \{\n {4}"clusterMode": "docker"/s,
    },
    { line: 'global set' },
    { line: 'global set --vlan-range 100-200' },
    { line: 'global set --vxlan-range 5000-6000' },
    { line: 'global set --vlan-range 1-5000', status: 3, err: /4095/ },
    { line: 'global set --vlan-range 200-100', status: 3 },
    { line: 'global set --vlan-range abc', status: 3, err: /vlans/ },
    { line: 'global set --vlan-range 0-10', status: 3 },
    { line: 'global set --vxlan-range 10-1', status: 3 },
    { line: 'global set --vxlan-range 1-20000000', status: 3 },
    { line: 'global set --vxlan-range 5-100000', status: 3 },
    { line: 'global info', out: info(ranges) },
    { line: 'global set --fwd-mode bridge' },
    { line: 'global info', out: info({ ...ranges, forward: 'bridge' }) },
    { line: 'global set --fwd-mode bogus', status: 3, err: /fwdMode/ },
    { line: 'global set --fwd-mode routing' },
    { line: 'global set --arp-mode flood' },
    { line: 'global set --arp-mode bogus', status: 3, err: /arpMode/ },
    { line: 'global info', out: info({ ...ranges, arp: 'flood' }) },
    { line: 'global set -a proxy' },
    { line: 'global set --private-subnet 172.30.0.0/16' },
    { line: 'global set --private-subnet 172.30.0.0/24', status: 3, err: /pvtSubnet/ },
    { line: 'global set --private-subnet 300.1.0.0/16', status: 3, err: /pvtSubnet/ },
    { line: 'global set' },
    // The original set the private subnet back to its default here.
    { line: 'global info', out: info({ ...ranges, subnet: '172.30.0.0/16' }) },
    { line: 'global set --private-subnet 172.19.0.0/16' },
    { line: 'global set --fabric-mode aci' },
    { line: 'global info', out: info({ ...ranges, fabric: 'aci' }) },
    { line: 'global set --fabric-mode bogus', status: 3, err: /networkInfraType/ },
    { line: 'global set --fabric-mode default --vlan-range 1-4094 --vxlan-range 1-10000' },
    { line: 'net create -t default -s 10.1.1.0/24 -e vlan -p 10 v10', out: 'Creating network default:v10\n' },
    { line: 'net create -t default -s 10.1.2.0/24 x1', out: 'Creating network default:x1\n' },
    { line: 'global inspect', out: /"numNetworks": 2,\s+"vlansInUse": "10",\s+"vxlansInUse": "1"/ },
    { line: 'global set --fwd-mode bridge', status: 3, err: /network/ },
    { line: 'global set --vlan-range 50-60', status: 3, err: /10/ },
    { line: 'global set --vlan-range 5-60' },
    { line: 'global set --vxlan-range 5000-6000', status: 3 },
    { line: 'global set --private-subnet 172.31.0.0/16', status: 3 },
    { line: 'global set --arp-mode flood' },
    { line: 'global info', out: info({ arp: 'flood', vlans: '5-60' }) },
    { line: 'net rm v10', out: 'Deleting network default:v10\n' },
    { line: 'net rm x1', out: 'Deleting network default:x1\n' },
    { line: 'global set --fwd-mode bridge' },
  ])
})

test('tenants: created, listed, inspected and removed; names are checked', async (t) => {
  const { url } = await startCluster(t)
  await runInOrder(url, [
    { line: 'tenant ls', out: 'Name     \n------   \ndefault  \n' },
    {
      line: 'tenant ls --json',
      out: '[\n  {\n    "key": "default",\n    "tenantName": "default",\n    "link-sets": {}\n  }\n]\n',
    },
    { line: 'tenant ls -q', out: 'default\n' },
    { line: 'tenant create blue', out: 'Creating tenant: blue\n' },
    { line: 'tenant create blue', status: 3, out: '', err: /tenant blue exists already/ },
    { line: 'tenant create bad!name', status: 3, out: '', err: /tenantName/ },
    { line: 'tenant create -- -bad', status: 3, out: '' },
    { line: `tenant create ${longName}`, out: `Creating tenant: ${longName}\n` },
    { line: `tenant create ${longName}x`, status: 3, err: /64/ },
    { line: 'tenant create a.b', out: 'Creating tenant: a.b\n' },
    {
      line: 'tenant inspect blue',
      out: '{\n  "Config": {\n    "key": "blue",\n    "tenantName": "blue",\n    "link-sets": {}\n  },\n  "Oper": {}\n}\n',
    },
    { line: 'tenant inspect nope', status: 3, err: /nope/ },
    { line: 'tenant rm nope', status: 3, out: 'Deleting tenant nope\n', err: /nope/ },
    { line: 'tenant rm blue', out: 'Deleting tenant blue\n' },
    { line: 'tenant rm blue', status: 3, err: /blue/ },
    { line: 'tenant ls -q', out: `a.b\ndefault\n${longName}\n` },
  ])
})

test('networks: tables, inspection, subnets that overlap or lie elsewhere, tags in use', async (t) => {
  const { url } = await startCluster(t)
  await runInOrder(url, [
    {
      line: 'net create contiv-net --subnet=20.1.1.0/24 --gateway=20.1.1.254 --pkt-tag=1001',
      out: 'Creating network default:contiv-net\n',
    },
    { line: 'net create v1 -subnet=10.1.5.0/24 -e vlan -s6 2001:db8::/64 -g6 2001:db8::1', out: /v1/ },
    {
      line: 'net ls',
      out: [
        'Tenant   Network     Nw Type  Encap type  Packet tag  Subnet       Gateway     IPv6Subnet     IPv6Gateway  Cfgd Tag\n',
        '------   -------     -------  ----------  ----------  -------      ------      ----------     -----------  ---------\n',
        'default  contiv-net  data     vxlan       1001        20.1.1.0/24  20.1.1.254                              \n',
        'default  v1          data     vlan        0           10.1.5.0/24              2001:db8::/64  2001:db8::1  \n',
      ].join(''),
    },
    {
      line: 'net inspect contiv-net',
      out: /"allocatedIPAddresses": "20\.1\.1\.254",\s+"availableIPAddresses": "20\.1\.1\.1-20\.1\.1\.253",\s+"externalPktTag": 1001,/,
    },
    { line: 'net inspect v1', out: /"pktTag": 1\n/ },
    {
      line: 'net create contiv-net --subnet=20.1.2.0/24',
      status: 3,
      out: '',
      err: /default:contiv-net exists already/,
    },
    { line: 'net create n2 --subnet=20.1.1.128/25', status: 3, err: /overlap.*contiv-net/ },
    { line: 'net create n2 --subnet=10.9.1.0/24 -g 10.4.1.1', status: 3, err: /10\.4\.1\.1/ },
    { line: 'net inspect n2', status: 3, err: /n2/ },
    { line: 'net create n2 --subnet=10.9.1.0/24 -p 1001', status: 3, err: /1001/ },
    { line: 'net create n2 --subnet=10.9.1.0/24 -e vlan -p 5000', status: 3, err: /5000/ },
    { line: 'net create n2 --subnet=10.9.1.0/32', status: 3 },
    { line: 'net create n2 --subnet=junk', status: 3, err: /junk/ },
    { line: 'net create n2 --subnet=10.9.1.0/24 -n odd', status: 3, err: /nwType/ },
    { line: 'net create n2 --subnet=10.9.1.0/24 -e gre', status: 3, err: /encap/ },
    { line: 'net create bad!name --subnet=10.9.1.0/24', status: 3, err: /networkName/ },
    { line: 'net create -t nope n2 --subnet=10.9.1.0/24', status: 3, err: /nope/ },
    { line: 'net create n2 --subnet=10.9.1.5-10.9.1.15/27', out: 'Creating network default:n2\n' },
    { line: 'net inspect n2', out: /"availableIPAddresses": "10\.9\.1\.5-10\.9\.1\.15"/ },
    { line: 'tenant create blue' },
    { line: 'net create -t blue contiv-net --subnet=20.1.1.0/24', out: 'Creating network blue:contiv-net\n' },
    { line: 'net ls -aq', status: 1, err: /unknown flag -aq/ },
    { line: 'net ls -a -q', out: 'contiv-net\ncontiv-net\nn2\nv1\n' },
    { line: 'net ls -t blue -q', out: 'contiv-net\n' },
    { line: 'net ls -t nope', status: 3, err: /nope/ },
    { line: 'tenant rm blue', status: 3, err: /network/ },
    { line: 'net rm -t blue contiv-net', out: 'Deleting network blue:contiv-net\n' },
    { line: 'tenant rm blue' },
    { line: 'net rm contiv-net', out: 'Deleting network default:contiv-net\n' },
    { line: 'net rm contiv-net', status: 3, err: /contiv-net/ },
  ])
})

test('groups: within a network, with pools of its addresses, refused when names or pools clash', async (t) => {
  const { url } = await startCluster(t)
  await runInOrder(url, [
    { line: 'net create -s 10.1.1.0/24 -g 10.1.1.254 n1' },
    { line: 'net create -s 10.1.2.0/24 -e vlan -p 20 n2' },
    { line: 'tenant create blue' },
    { line: 'net create -t blue -s 10.1.1.0/24 n1' },
    {
      line: 'group ls',
      out: [
        'Tenant  Group  Network  IP Pool  CfgdTag  Policies  Network profile\n',
        '------  -----  -------  -------  -------  --------  ---------------\n',
      ].join(''),
    },
    { line: 'group create n1 g1', out: 'Creating EndpointGroup default:g1\n' },
    { line: 'group create n1 g1', out: 'Creating EndpointGroup default:g1\n' },
    { line: 'group create n2 g1', status: 3, out: '', err: /network/ },
    { line: 'group create nope g2', status: 3, err: /nope/ },
    { line: 'group create -t nope n1 g1', status: 3, err: /nope/ },
    { line: 'group create -t blue n1 g1', out: 'Creating EndpointGroup blue:g1\n' },
    { line: 'group create n1 n1', status: 3 },
    { line: 'group create n1 n2', status: 3 },
    { line: 'net create -s 10.1.9.0/24 g1', status: 3, err: /g1/ },
    { line: 'group create n1 bad!name', status: 3, err: /groupName/ },
    { line: `group create n1 ${longName}x`, status: 3 },
    { line: 'group create n1 a.b' },
    // The original took the words in another order when a flag stood between them.
    { line: 'group create n1 -tag mytag gtag', out: 'Creating EndpointGroup default:gtag\n' },
    { line: 'group create -tag bad!tag n1 gtag2', status: 3, err: /cfgdTag/ },
    { line: 'group create --epg-tag etag n1 gtag3' },
    { line: 'group create -r 10.1.1.10-10.1.1.20 n1 gpool' },
    { line: 'group create -r 10.1.1.15-10.1.1.25 n1 gpool2', status: 3, err: /10\.1\.1\.15/ },
    { line: 'group create -r 10.2.1.10-10.2.1.20 n1 gpool3', status: 3 },
    { line: 'group create -r 10.1.1.30 n1 gpool4' },
    { line: 'group create -r 10.1.1.50-10.1.1.40 n1 gpool5', status: 3 },
    { line: 'group create -r junk n1 gpool6', status: 3, err: /junk/ },
    { line: 'group create -r 10.1.1.250-10.1.1.255 n1 gpool7', status: 3, err: /10\.1\.1\.25/ },
    { line: 'group create -r 10.1.1.10-10.1.1.21 n1 gpool', status: 3, err: /pool/i },
    { line: 'group create -p nope n1 g3', status: 3, err: /nope/ },
    {
      line: 'group inspect gpool',
      out: /"availableIPAddresses": "10\.1\.1\.10-10\.1\.1\.20",\s+"externalPktTag": 1,\s+"groupTag": "gpool\.default",/,
    },
    { line: 'group inspect gtag', out: /"groupTag": "mytag"/ },
    { line: 'group inspect -t blue g1', out: /"key": "blue:g1"/ },
    { line: 'group inspect nope', status: 3, err: /nope/ },
    { line: 'net inspect n1', out: /"EndpointGroups": \{\s+"default:a\.b": \{\s+"type": "endpointGroup",/ },
    {
      line: 'group ls',
      out: [
        'Tenant   Group   Network  IP Pool              CfgdTag  Policies  Network profile\n',
        '------   -----   -------  -------              -------  --------  ---------------\n',
        'default  a.b     n1                                               \n',
        'default  g1      n1                                               \n',
        'default  gpool   n1       10.1.1.10-10.1.1.20                     \n',
        'default  gpool4  n1       10.1.1.30                               \n',
        'default  gtag    n1                            mytag              \n',
        'default  gtag3   n1                            etag               \n',
      ].join(''),
    },
    { line: 'group ls -q', out: 'a.b\ng1\ngpool\ngpool4\ngtag\ngtag3\n' },
    { line: 'group ls -t blue -q', out: 'g1\n' },
    { line: 'group ls -t nope', status: 3, err: /nope/ },
    { line: 'net rm n1', status: 3, out: 'Deleting network default:n1\n', err: /group/ },
    { line: 'tenant rm blue', status: 3, err: /group/ },
    { line: 'group rm gpool', out: '' },
    { line: 'group delete gpool', status: 3, err: /gpool/ },
    { line: 'group rm -t blue g1', out: '' },
    { line: 'tenant rm blue', status: 3, err: /network/ },
    { line: 'net rm -t blue n1' },
    { line: 'tenant rm blue', out: 'Deleting tenant blue\n' },
  ])
})
