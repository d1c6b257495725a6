import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NetpluginError } from '../lib/errors.ts'
import { type NetmasterFlags, readFlags } from './flags.ts'
import { defaultLossTimes } from './lost-nodes.ts'

function run(args: readonly string[], env: Record<string, string> = {}): NetmasterFlags {
  const answer = readFlags(args, env)
  assert.ok(answer.kind === 'run')
  return answer.flags
}

const defaults: NetmasterFlags = {
  mode: 'docker',
  netMode: 'vxlan',
  fwdMode: 'routing',
  listen: { host: '0.0.0.0', port: 9999 },
  store: { kind: 'sqlite', directory: '/var/lib/netplugin/netmaster' },
  logLevel: 'info',
  maxRuleFlows: 5_000,
  maxHostFlows: 100_000,
  loss: defaultLossTimes,
  control: undefined,
  notes: [],
}

test('without flags it is a Docker cluster with VXLAN and routing on port 9999', () => {
  assert.deepEqual(run([]), defaults)
})

test('when hosts are lost and dead is given in seconds', () => {
  const { loss } = run(['--node-lost-after', '60', '--node-dead-after=0'])
  assert.deepEqual(loss, { lostAfterMs: 60_000, deadAfterMs: 0 })
  assert.throws(() => run(['--node-lost-after', '5']), /at least 15 seconds/)
})

test('every spelling of a flag means the same', () => {
  for (const name of ['netmode', 'net-mode', 'network-mode']) {
    for (const args of [[`--${name}=vlan`], [`-${name}`, 'vlan']])
      assert.equal(run(args).netMode, 'vlan', args.join(' '))
  }
  for (const name of ['fwdmode', 'fwd-mode', 'forward-mode'])
    assert.equal(run([`--${name}`, 'bridge']).fwdMode, 'bridge')
  for (const name of ['external-address', 'listen-url']) {
    assert.deepEqual(run([`--${name}`, '192.0.2.1:8000']).listen, { host: '192.0.2.1', port: 8000 })
  }
  for (const name of ['mode', 'plugin-mode', 'cluster-mode'])
    assert.equal(run([`--${name}`, 'swarm-mode']).mode, 'swarm-mode')
  assert.equal(run(['--log-level', 'DEBUG']).logLevel, 'debug')
  assert.equal(run(['-debug']).logLevel, 'debug')
})

test('limits of flows are numbers from 1', () => {
  const { maxRuleFlows, maxHostFlows } = run(['--max-rule-flows=10', '--max-host-flows', '20'])
  assert.deepEqual([maxRuleFlows, maxHostFlows], [10, 20])
  assert.throws(() => run(['--max-rule-flows=0']), /no room for any rule/)
  assert.throws(() => run(['--max-host-flows=-5']), /no room for any rule/)
  assert.throws(() => run(['--max-host-flows=many']), /needs a whole number/)
})

test('vxlan with bridge is allowed', () => {
  assert.equal(run(['--netmode', 'vxlan', '--fwdmode', 'bridge']).fwdMode, 'bridge')
})

test('the environment stands in for flags, and a flag counts more', () => {
  const env = {
    CONTIV_NETMASTER_NET_MODE: 'vlan',
    CONTIV_NETMASTER_FORWARD_MODE: 'bridge',
    CONTIV_NETMASTER_EXTERNAL_ADDRESS: ':8000',
  }
  assert.deepEqual(run(['--fwdmode', 'routing'], env), {
    ...defaults,
    netMode: 'vlan',
    listen: { host: '0.0.0.0', port: 8000 },
  })
})

test('command lines of older releases are understood', () => {
  const flags = run([
    '-plugin-mode',
    'docker',
    '-dns-enable=false',
    '-listen-url',
    ':9999',
    '-fwd-mode',
    'bridge',
    '-debug',
  ])
  assert.deepEqual([flags.mode, flags.fwdMode, flags.logLevel, flags.listen.port], ['docker', 'bridge', 'debug', 9999])
  assert.match(flags.notes.join(), /--dns-enable has no effect/)
  assert.deepEqual(run(['--infra-type', 'default', '--json-log', '--name', 'netplugin', '--syslog=false']).notes, [])
  assert.equal(run(['--syslog-url', 'udp://127.0.0.1:514', '--plugin-name', 'x']).notes.length, 2)
  assert.deepEqual(run(['--internal-address', '10.0.0.1:9998']).control, { host: '10.0.0.1', port: 9998 })
})

test('switches are read from the environment too', () => {
  assert.deepEqual(run([], { CONTIV_NETMASTER_USE_JSON_LOG: 'true', CONTIV_NETMASTER_USE_SYSLOG: 'false' }), defaults)
  assert.throws(() => run([], { CONTIV_NETMASTER_USE_SYSLOG: 'true' }), /standard error/)
  assert.throws(() => run([], { CONTIV_NETMASTER_USE_SYSLOG: 'perhaps' }), /neither true nor false/)
})

test('addresses may be IPv6, and port 0 is for tests only', () => {
  assert.deepEqual(run(['--listen-url', '[::1]:9999']).listen, { host: '::1', port: 9999 })
  assert.deepEqual(run(['--mode', 'test', '--listen-url', '127.0.0.1:0']).listen, { host: '127.0.0.1', port: 0 })
})

test('what cannot be used is refused with the reason', () => {
  const table: readonly (readonly [string[], RegExp])[] = [
    [['--mode', 'bogus'], /--mode "bogus" is not one of docker/],
    [['--netmode', 'gre'], /--netmode "gre"/],
    [['--fwdmode', ''], /--fwdmode ""/],
    [['--log-level', 'loud'], /--log-level "loud"/],
    [['--listen-url', '0.0.0.0'], /is not address:port/],
    [['--listen-url', '0.0.0.0:0'], /port outside/],
    [['--listen-url', '0.0.0.0:65536'], /port outside/],
    [['--listen-url', 'localhost:9999'], /no IP address/],
    [['--state-store', 'oracle'], /sqlite, memory/],
    [['--etcd', 'a', '--consul', 'b'], /one store/],
    [['--infra', 'aci'], /--infra "aci"/],
    [['--use-syslog'], /standard error/],
    [['--control-url', '10.0.0.1'], /--control-url .* is not address:port/],
    [['--netmod', 'vlan'], /netmod/],
    [['--netmode'], /needs a value/],
    [['extra'], /unexpected argument "extra"/],
  ]
  for (const [args, expected] of table) {
    assert.throws(
      () => run(args),
      (error) => error instanceof NetpluginError && error.code === 'USAGE' && expected.test(error.message),
      args.join(' '),
    )
  }
})

test('help names every flag, and version is told apart from running', () => {
  const help = readFlags(['--help'], {})
  assert.ok(help.kind === 'help')
  for (const name of [
    '--mode',
    '--netmode',
    '--fwdmode',
    '--listen-url',
    '--state-dir',
    '--state-store',
    '--log-level',
  ]) {
    assert.ok(help.text.includes(name), name)
  }
  assert.equal(readFlags(['--version'], {}).kind, 'version')
})
