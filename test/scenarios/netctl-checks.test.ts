// Everything netmaster refuses, as it arrives at the command line: exit status 3, and a text that names what is wrong. The
// codes are checked beside the objects in src/netmaster/objects.

import { test } from 'node:test'
import { runInOrder, type Step, startCluster } from '../support/command-lines.ts'

/** Lines that are refused, with what the message must say. */
function refused(lines: Readonly<Record<string, RegExp>>): readonly Step[] {
  return Object.entries(lines).map(([line, err]) => ({ line, status: 3, err }))
}

/** Lines that are accepted. */
function done(...lines: readonly string[]): readonly Step[] {
  return lines.map((line) => ({ line }))
}

test('settings of the cluster are refused that make no sense, or that networks rest on', async (t) => {
  const { url } = await startCluster(t)
  await runInOrder(url, [
    ...refused({
      'global set -v 0-10': /vlans.*below 1/,
      'global set -v 10-5': /vlans.*ends before/,
      'global set -v 1-4096': /vlans.*4095/,
      'global set -x 1-65536': /vxlans.*65535/,
      'global set -x 1-16001': /vxlans.*16000/,
      'global set -x 1-10,20-30': /vxlans.*one/,
      'global set -f cisco': /networkInfraType.*aci/,
      'global set -b proxy': /fwdMode.*bridge/,
      'global set -a none': /arpMode.*flood/,
      'global set -s 172.19.0.0/24': /pvtSubnet/,
    }),
    ...done('bgp create h1 --router-ip 50.1.1.1/24'),
    ...refused({ 'global set -b bridge': /bgp/i }),
    ...done('bgp rm h1', 'net create -s 10.1.1.0/24 -p 500 x', 'net create -s 10.1.2.0/24 -e vlan -p 50 v'),
    ...refused({
      'global set -b bridge': /fwdMode|forwarding/,
      'global set -s 172.20.0.0/16': /pvtSubnet|private subnet/,
      'global set -v 51-60': /\b50\b/,
      'global set -x 501-600': /\b500\b/,
    }),
  ])
})

test('a tenant is refused to go while something is in it, in the order in which that can go', async (t) => {
  const { url } = await startCluster(t)
  await runInOrder(url, [
    ...done(
      'tenant create blue',
      'net create -t blue -s 10.1.1.0/24 n',
      'netprofile create -t blue np',
      'policy create -t blue p',
      'group create -t blue -p p -n np n g',
      'app-profile create -t blue -g g a',
    ),
    ...refused({ 'tenant rm blue': /app(lication)? profile/ }),
    ...done('app-profile rm -t blue a'),
    ...refused({ 'tenant rm blue': /group/ }),
    ...done('group rm -t blue g'),
    ...refused({ 'tenant rm blue': /polic/ }),
    ...done('policy rm -t blue p'),
    ...refused({ 'tenant rm blue': /profile/ }),
    ...done('netprofile rm -t blue np'),
    ...refused({ 'tenant rm blue': /network/ }),
    ...done('net rm -t blue n', 'tenant rm blue'),
    ...refused({ 'tenant rm blue': /blue not found/, 'tenant create bad!name': /tenantName/ }),
  ])
})

test('networks are refused that overlap, have no such gateway, or ask for a tag that is taken', async (t) => {
  const { url, cluster } = await startCluster(t)
  await runInOrder(url, [
    ...done('net create -s 10.1.1.0/24 -p 100 n', 'group create n g', 'policy create p'),
    ...refused({
      'net create -t nope -s 10.2.0.0/16 x': /nope not found/,
      'net create -s 10.1.1.128/25 x': /overlap/,
      'net create -s 10.1.1.7-10.1.1.9/24 x': /overlap/,
      'net create -s 10.2.1.0/24 g': /'?g'?/,
      'net create -s 10.2.1.0/24 -g 10.3.1.1 x': /10\.3\.1\.1/,
      'net create -s 10.2.1.0/24 -g 10.2.1.255 x': /10\.2\.1\.255/,
      'net create -s 10.2.1.0/24 -s6 2001:db8::/64 -g6 2001:db9::1 x': /2001:db9::1/,
      'net create -s 10.2.1.0/24 -s6 2001:db8::/128 x': /128/,
      'net create -s 10.2.1.0/32 x': /32/,
      'net create -s 10.2.1.300/24 x': /10\.2\.1\.300/,
      'net create -s 10.2.1.0/24 -p 100 x': /\b100\b/,
      'net create -s 10.2.1.0/24 -p 20000 x': /\b20000\b/,
      'net create -s 10.2.1.0/24 -e vlan -p 4095 x': /\b4095\b/,
      'net create -s 10.2.1.0/24 -p -1 x': /pktTag/,
      'net create -s 10.2.1.0/24 -n odd x': /nwType/,
      'net rm n': /group/,
      'net inspect x': /x not found/,
    }),
    ...done('policy rule-add -n n p 1', 'group rm g'),
    ...refused({ 'net rm n': /rule/ }),
    ...done('policy rule-rm p 1', 'service create -s n -l a=b -p 80:80:tcp s'),
    ...refused({ 'net rm n': /service/ }),
    ...done('service rm s'),
  ])
  await cluster.ok('POST', '/plugin/createEndpoint', {
    TenantName: 'default',
    NetworkName: 'n',
    EndpointID: 'e1',
    ConfigEP: { Host: 'node1' },
  })
  await runInOrder(url, [
    ...refused({ 'net rm n': /endpoint/, 'net create -s 10.9.1.0/24 -p 100 n': /exists already/ }),
    ...done('ep rm -y e1', 'net rm n'),
  ])
})

test('groups are refused what they cannot have, and stay while something names them', async (t) => {
  const { url } = await startCluster(t)
  await runInOrder(url, [
    ...done('net create -s 10.1.1.0/24 -g 10.1.1.254 n', 'net create -s 10.1.2.0/24 m', 'policy create p'),
    ...done('group create -r 10.1.1.10-10.1.1.20 -p p n g'),
    ...refused({
      'group create -t nope n x': /nope not found/,
      'group create nope x': /nope not found/,
      'group create n m': /'?m'?/,
      'group create -p nope n x': /nope not found/,
      'group create -n nope n x': /nope not found/,
      'group create -e nope n x': /nope not found/,
      'group create -r 2001:db8::1 n x': /2001:db8::1/,
      'group create -r 10.1.1.9-10.1.1.3 n x': /10\.1\.1\.9/,
      'group create -r 10.1.9.3-10.1.9.9 n x': /10\.1\.9\.3/,
      'group create -r 10.1.1.0-10.1.1.5 n x': /10\.1\.1\.0/,
      'group create -r 10.1.1.15-10.1.1.25 n x': /10\.1\.1\.15/,
      'group create -r 10.1.1.250-10.1.1.254 n x': /10\.1\.1\.25/,
      'group create -r 10.1.1.10-10.1.1.20 m g': /network/,
      'group create -r 10.1.1.10-10.1.1.21 n g': /ipPool/,
      'policy rm p': /\bg\b/,
    }),
    ...done('app-profile create -g g a'),
    ...refused({ 'group rm g': /\ba\b/, 'app-profile create -g nope b': /nope not found/ }),
    ...done('app-profile rm a', 'policy rule-add -g g p 1'),
    ...refused({ 'group rm g': /rule/ }),
    ...refused({ 'app-profile create -t nope -g g b': /nope not found/ }),
  ])
})

test('rules are refused that contradict themselves or name what is not there', async (t) => {
  const { url } = await startCluster(t)
  await runInOrder(url, [
    ...done('net create -s 10.1.1.0/24 n', 'group create n g', 'policy create p'),
    ...refused({
      'policy rule-add -n n -i 10.1.1.5 p x': /fromNetwork.*fromIpAddress/,
      'policy rule-add -d out -o n -s 10.1.1.5 p x': /toNetwork.*toIpAddress/,
      'policy rule-add -s 10.1.1.9 p x': /toIpAddress|10\.1\.1\.9/,
      'policy rule-add -g nope p x': /nope not found/,
      'policy rule-add -n nope p x': /nope not found/,
      'policy rule-add -d out -e nope p x': /nope not found/,
      'policy rule-add -d out -o nope p x': /nope not found/,
      'policy rule-add nope x': /nope not found/,
      'policy rule-add -t nope p x': /nope/,
      'policy rule-add -p 101 p x': /priority/,
      'policy rule-add -p -1 p x': /priority/,
      'policy rule-add -P 65536 -l tcp p x': /port/,
      'policy rule-add -P -5 -l tcp p x': /port/,
      'policy rule-add -P 443,80-22 p x': /80-22 ends before it begins; write 22-80/,
      'policy rule-add -P 80-65536 p x': /80-65536 is above 65535/,
      'policy rule-add -P 80,,443 p x': /"80,,443" has an empty item/,
      'policy rule-add -P http p x': /"http" is neither a port nor a range; write ports as 80,443/,
      'policy rule-add -P 80,0 p x': /0 is no port/,
      [`policy rule-add -P ${new Array(65).fill('80').join()} p x`]: /65 items, and 64 are the most/,
      'policy rule-add -l bogus p x': /protocol/,
      'policy rule-add -l TCP p x': /protocol/,
      'policy rule-add -l 256 p x': /protocol/,
      'policy rule-add -j drop p x': /action/,
      'policy rule-add -i 10.1.1.300 p x': /fromIpAddress/,
      'policy rule-add -i 10.1.1.0/33 p x': /fromIpAddress/,
      'policy rule-add -i 10.1.1.5/32 p x': /fromIpAddress/,
      'policy rule-add -i 0.0.0.0/0 p x': /fromIpAddress/,
      'policy rule-add -i 10.1.1.9-10.1.1.5 p x': /fromIpAddress.*ends before it begins/,
      'policy rule-add -i 10.1.1.9-2001:db8::1 p x': /fromIpAddress.*is not an address/,
      'policy rule-add -i 2001:db8::/129 p x': /fromIpAddress.*is not an address/,
      'policy rule-add -i 10.1.1.9,,10.1.1.8 p x': /fromIpAddress.*"" is not an address/,
      'policy rule-add -d out -s 2001:db8::9-2001:db8::5 p x': /toIpAddress.*ends before it begins/,
      'policy rule-rm p x': /x not found/,
    }),
    { line: 'policy rule-ls -q p', out: '' },
  ])
})

test('profiles, contracts, services and speakers are refused what they cannot be', async (t) => {
  const { url } = await startCluster(t)
  await runInOrder(url, [
    ...done('net create -s 10.1.1.0/24 -g 10.1.1.254 n', 'netprofile create np', 'group create -n np n g'),
    ...['10 Mbps', '10Mbps', '5Gb', '4G', '100kbps'].map((rate) => ({ line: `netprofile create -b '${rate}' ok` })),
    ...refused({
      "netprofile create -b '0 Gbps' x": /bandwidth/,
      "netprofile create -b ' 10 Gbps' x": /bandwidth/,
      "netprofile create -b '10  Gbps' x": /bandwidth/,
      "netprofile create -b '10 ms' x": /bandwidth/,
      'netprofile create -b Gbps x': /bandwidth/,
      'netprofile create -d 64 x': /DSCP/,
      'netprofile create -s 10487 x': /burst/,
      'netprofile create -s 1 x': /burst/,
      'netprofile rm np': /\bg\b/,
      'external-contracts create -t nope -c -a x c': /nope not found/,
      'service create -s nope -l a=b -p 80:80:tcp s': /nope not found/,
      'service create -t nope -s n -l a=b -p 80:80:tcp s': /nope not found/,
      'service create -s n -p 80:80:tcp s': /selector/,
      'service create -s n -l a=b s': /port/,
      'service create -s n -l ab -p 80:80:tcp s': /selector.*ab/,
      'service create -s n -l a=b -p 80 s': /port.*80/,
      'service create -s n -l a=b -p 80:80:sctp s': /sctp/,
      'service create -s n -l a=b -p 0:80:tcp s': /port/,
      'service create -s n -l a=b -p 80:80:tcp --ip 10.1.1.254 s': /10\.1\.1\.254/,
      'service create -s n -l a=b -p 80:80:tcp --ip 10.2.1.1 s': /10\.2\.1\.1/,
      'bgp create h --router-ip 50.1.1.1': /routerip/,
      'bgp create h --router-ip 50.1.1.1/24 --as many': /\bas\b/,
      'bgp create h --router-ip 50.1.1.1/24 --neighbor nobody': /neighbor/,
      'bgp rm h': /h not found/,
      'aci-gw set -d dom -p nonsense': /pathBindings/,
      'aci-gw set -d dom -e maybe': /enforcePolicies/,
      'aci-gw inspect': /not found/,
    }),
  ])
})

test('in an ACI fabric networks of groups are VLANs, speakers are refused, and the gateway stays while it is used', async (t) => {
  const { url } = await startCluster(t)
  await runInOrder(url, [
    ...done('global set -f aci', 'net create -s 10.1.1.0/24 -e vxlan x', 'net create -s 10.1.2.0/24 -e vlan v'),
    ...refused({ 'group create x g': /vlan/i, 'bgp create h --router-ip 50.1.1.1/24': /aci/i }),
    ...done('group create v g', 'aci-gw set -d dom', 'app-profile create -g g a'),
    ...refused({ 'aci-gw rm': /\b1\b|\ba\b/ }),
    ...done('app-profile rm a', 'aci-gw rm'),
  ])
})
