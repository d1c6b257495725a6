import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readFlags } from './flags.ts'

const host = { hostname: 'box', version: '1.2.3' }
const read = (args: readonly string[], env: Record<string, string> = {}) => {
  const answer = readFlags(args, env, host)
  assert.ok(answer.kind === 'run')
  return answer
}

test('a tunnel address is all that must be said', () => {
  assert.deepEqual(read(['--vtep-ip', '10.0.0.1']), {
    kind: 'run',
    logLevel: 'info',
    config: {
      node: 'box',
      controlAddress: '',
      vtep: '10.0.0.1',
      uplinks: [],
      netmaster: 'http://netmaster:9999',
      vxlanPort: 4789,
      portReserve: 16,
      stateDir: '/var/lib/netplugin/node',
      pluginSocket: '/run/docker/plugins/netplugin.sock',
      pluginName: 'netplugin',
      dockerSocket: '/var/run/docker.sock',
      cniSocket: '/run/netplugin/cni.sock',
      ovsRunDir: '/var/run/openvswitch',
      resolvConf: '/etc/resolv.conf',
      namesSocket: '/run/netplugin/netplugin-names.sock',
      dnsRate: 5_000,
      outsideSubnet: '198.18.0.0/16',
      version: '1.2.3',
    },
  })
})

test('every flag counts, and so do the older spellings', () => {
  const { config, logLevel } = read([
    '-host-label=h1',
    '--ctrl-ip=10.9.0.1',
    '--vlan-if',
    'eth1,eth2',
    '--vxlan-port=8472',
    '--netmaster=https://[fd00::1]:9999',
    '--state-dir=/s',
    '--plugin-name=other',
    '--docker-socket=/d',
    '--cni-socket=/c',
    '--ovs-run-dir=/o',
    '--resolv-conf=/r',
    '--dns-rate=100',
    '--outside-subnet=240.9.0.0/16',
    '--log-level=DEBUG',
    '--plugin-mode=docker',
  ])
  assert.equal(logLevel, 'debug')
  assert.deepEqual(config, {
    node: 'h1',
    controlAddress: '10.9.0.1',
    vtep: '',
    uplinks: ['eth1', 'eth2'],
    netmaster: 'https://[fd00::1]:9999',
    vxlanPort: 8472,
    portReserve: 16,
    stateDir: '/s',
    pluginSocket: '/run/docker/plugins/other.sock',
    pluginName: 'other',
    dockerSocket: '/d',
    cniSocket: '/c',
    ovsRunDir: '/o',
    resolvConf: '/r',
    namesSocket: '/run/netplugin/other-names.sock',
    dnsRate: 100,
    outsideSubnet: '240.9.0.0/16',
    version: '1.2.3',
  })
})

test('the environment stands in for flags, and a flag counts more', () => {
  const env = {
    CONTIV_NETPLUGIN_VTEP_IP: '10.0.0.1',
    CONTIV_NETPLUGIN_HOST: 'from-env',
    CONTIV_NETPLUGIN_VXLAN_PORT: '8472',
    CONTIV_NETPLUGIN_LOG_LEVEL: '',
    NETPLUGIN_VTEP_IP: '1.1.1.1',
  }
  assert.equal(read([], env).config.vxlanPort, 8472)
  assert.equal(read([], env).config.vtep, '10.0.0.1')
  assert.equal(read(['--host=given'], env).config.node, 'given')
  assert.throws(() => readFlags([], { ...env, CONTIV_NETPLUGIN_VXLAN_PORT: 'many' }, host), /--vxlan-port needs/)
})

for (const [args, message] of [
  [[], /give --vtep-ip .*--vlan-uplinks .*or both/],
  [['--vtep-ip=10.0.0'], /--vtep-ip 10\.0\.0 is not an IPv4 address/],
  [['--vtep-ip=fd00::1'], /is not an IPv4 address/],
  [['--vtep-ip=10.0.0.1', '--ctrl-ip=x'], /--ctrl-ip x is not/],
  [['--vtep-ip=10.0.0.1', '--log-level=loud'], /--log-level loud is none of debug, info, warn, error/],
  [['--vtep-ip=10.0.0.1', '--mode=kubernetes'], /--mode kubernetes is not supported/],
  [['--vtep-ip=10.0.0.1', '--vxlan-port=0'], /--vxlan-port 0 is not between/],
  [['--vtep-ip=10.0.0.1', '--vxlan-port=65536'], /not between/],
  [['--vtep-ip=10.0.0.1', '--netmaster=netmaster:9999'], /is not a URL such as http:/],
  [['--vtep-ip=10.0.0.1', '--netmaster='], /is not a URL/],
  [['--vtep-ip=10.0.0.1', '--dns-rate=-1'], /--dns-rate -1 is not between/],
  [
    ['--vtep-ip=10.0.0.1', '--outside-subnet=198.18.0.0/15'],
    /--outside-subnet 198\.18\.0\.0\/15 is not a subnet such as/,
  ],
  [['--vtep-ip=10.0.0.1', '--outside-subnet=198.18.1.0/16'], /is not a subnet such as/],
  [['--vtep-ip=10.0.0.1', '--name=../etc'], /is not the name of a driver/],
  [['--vlan-uplinks=eth1,eth1'], /names eth1 twice/],
  [['--vtep-ip=10.0.0.1', 'word'], /takes no arguments, but was given 'word'/],
  [['--vtep=10.0.0.1'], /unknown flag --vtep; did you mean --vtep-ip\?/],
  [['--vtep-ip'], /needs a value/],
] as const) {
  test(`${args.join(' ') || 'no flag'} is refused with a reason`, () => {
    assert.throws(() => readFlags(args, {}, host), { kind: 'invalid', code: 'USAGE', message })
  })
}

test('help names each flag and its default once; help and version need no other flag', () => {
  const help = readFlags(['--help'], {}, host)
  assert.ok(help.kind === 'help')
  assert.match(help.text, /--vtep-ip ADDRESS/)
  for (const value of ['http://netmaster:9999', '/var/lib/netplugin/node', '/etc/resolv.conf', '4789'])
    assert.equal(help.text.split(value).length, 2, value)
  assert.deepEqual(readFlags(['--version'], {}, host), { kind: 'version' })
})
