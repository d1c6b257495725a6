// The lab itself, with real namespaces, Open vSwitch and Docker: what the other system tests stand on.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { systemClock } from '../../src/lib/clock.ts'
import { labDirectory, labRoot } from '../../src/netlab/directory.ts'
import { labSkip, withLab } from '../support/lab.ts'
import { cli, cliOk, netlab, pings } from '../support/netlab-cli.ts'

const options = { skip: labSkip, timeout: 120_000 }
const bare = ['netmaster', 'netplugin', 'docker'] as const
const withoutOurs = ['netmaster', 'netplugin'] as const

test(
  'hosts reach each other and the underlay on both networks, with full-size packets on the data network',
  options,
  async () => {
    await withLab({ name: 'test-reach', without: bare }, async (lab) => {
      assert.ok(await pings(lab, 'node1', 'netplugin-node2'))
      assert.ok(await pings(lab, 'node2', 'netmaster'))
      assert.ok(await pings(lab, 'node1', '10.78.0.2'))
      assert.ok(await pings(lab, 'node2', '10.78.0.254'))
      assert.ok(await pings(lab, 'node1', '10.78.0.2', '-M', 'do', '-s', String(1600 - 28)), 'MTU 1600 does not pass')
      assert.ok(
        !(await pings(lab, 'node1', '10.78.0.2', '-M', 'do', '-s', String(1600 - 27))),
        'more than the MTU passes',
      )
      assert.ok(await pings(lab, 'underlay', '10.77.0.1'))
      // One answer per request: the kernel must not answer beside the switch.
      const twice = await lab.execOk('node1', 'ping -c 3 -i 0.05 -W 1 10.78.0.2')
      assert.doesNotMatch(twice, /DUP!/)
    })
  },
)

test('an unknown name is refused at once', options, async () => {
  await withLab({ name: 'test-names', hosts: 1, without: [...bare, 'ovs'] }, async (lab) => {
    const answer = await lab.exec('node1', 'dig +time=5 +tries=1 example.com', { timeoutMs: 3000 })
    assert.match(answer.stdout, /connection refused/)
  })
})

test('tunnels between the userspace switches of two hosts carry 1500 bytes and TCP', options, async () => {
  await withLab({ name: 'test-tunnel', without: bare }, async (lab) => {
    for (const [host, peer] of [
      [1, 2],
      [2, 1],
    ]) {
      await lab.execOk(
        `node${host}`,
        `type=$(ovs-vsctl get bridge br-phys datapath_type 2>/dev/null || echo system)
        ovs-vsctl add-br br-test -- set bridge br-test datapath_type=$type \
          -- add-port br-test vx -- set interface vx type=vxlan options:remote_ip=10.78.0.${peer} options:key=7
        ip addr add 192.0.2.${host}/24 dev br-test && ip link set br-test up
        ethtool -K br-test tx off >/dev/null`,
      )
    }
    await lab.until('the tunnel', async () => ((await pings(lab, 'node1', '192.0.2.2')) ? true : undefined))
    assert.ok(await pings(lab, 'node1', '192.0.2.2', '-M', 'do', '-s', String(1500 - 28)))
    const server = lab.exec('node2', 'echo hello from two | timeout 10 socat -u - TCP-LISTEN:7000,reuseaddr')
    const said = await lab.until('the TCP connection', async () => {
      const result = await lab.exec('node1', ['socat', '-u', 'TCP:192.0.2.2:7000,connect-timeout=1', '-'])
      return result.code === 0 ? result.stdout : undefined
    })
    assert.equal(said, 'hello from two\n')
    await server
  })
})

test('in VLAN mode the uplinks carry tags and no addresses', options, async () => {
  await withLab({ name: 'test-vlan', netMode: 'vlan', uplinks: 2, without: bare }, async (lab) => {
    const links = JSON.parse(await lab.execOk('node1', 'ip -j addr'))
    const byName = new Map(links.map((link: { ifname: string; addr_info: unknown[] }) => [link.ifname, link.addr_info]))
    assert.deepEqual(byName.get('eth1'), [])
    assert.deepEqual(byName.get('eth2'), [])
    for (const host of [1, 2]) {
      await lab.execOk(
        `node${host}`,
        `if [ -e /sys/module/openvswitch ]; then type=system; else type=netdev; fi
        ovs-vsctl add-br br-test -- set bridge br-test datapath_type=$type -- add-port br-test eth1 \
          -- add-port br-test v100 tag=100 -- set interface v100 type=internal
        ip addr add 192.0.2.${host}/24 dev v100 && ip link set v100 up`,
      )
    }
    await lab.until('VLAN 100', async () => ((await pings(lab, 'node1', '192.0.2.2')) ? true : undefined))
    const capture = lab.exec('underlay', 'timeout 5 tcpdump -c 1 -nei data vlan 100 and icmp')
    await lab.until('a tagged frame on the underlay', async () => {
      await pings(lab, 'node1', '192.0.2.2')
      return await Promise.race([capture, systemClock.after(50).then(() => undefined)])
    })
    assert.match((await capture).stdout, /vlan 100/)
  })
})

test('exec passes exit codes, streams and signals', options, async () => {
  await withLab({ name: 'test-exec', hosts: 1, without: [...bare, 'ovs'] }, async (lab) => {
    const exec = ['exec', '--name', 'test-exec', 'node1', '--']
    const three = await cli([...exec, 'sh', '-c', 'echo out; echo err >&2; exit 3'])
    assert.deepEqual(three, { code: 3, stdout: 'out\n', stderr: 'err\n' })
    assert.deepEqual(await cli([...exec, 'cat'], 'through'), { code: 0, stdout: 'through', stderr: '' })
    assert.equal((await cli([...exec, 'sh', '-c', 'kill -9 $$'])).code, 137)
    assert.equal((await cli([...exec, 'no-such-program'])).code, 127)
    assert.equal((await cli([...exec, 'hostname'])).stdout, 'netplugin-node1\n')
    assert.equal((await cli([...exec, 'sh', '-c', 'yes | head -1'])).stderr, '', 'SIGPIPE is not at its default')
    const unknown = await cli(['exec', '--name', 'test-exec', 'node9', '--', 'true'])
    assert.equal(unknown.code, 1)
    assert.match(unknown.stderr, /no host "node9"; it has netplugin-node1, underlay/)

    // On a terminal ^C reaches the command, which decides what it means.
    // The shell that script starts gives way (exec): dash would stay and die of the ^C itself.
    const line = `exec '${netlab}' exec --name test-exec 1 -- sh -c 'trap "echo caught; exit 9" INT; echo ready; sleep 20 & wait'`
    const terminal = spawn('script', ['-qec', line, '/dev/null'])
    const ended = new Promise<number | null>((resolve) => terminal.once('close', (code) => resolve(code)))
    let shown = ''
    terminal.stdout.on('data', (part: Buffer) => {
      shown += part.toString()
    })
    await lab.until('the command on a terminal', () => (shown.includes('ready') ? true : undefined))
    terminal.stdin.write('\x03')
    assert.equal(await ended, 9)
    assert.match(shown, /caught/)

    const long = spawn(netlab, [...exec, 'sleep', '4242'])
    const sleeping = async () => ((await lab.exec('node1', 'pgrep -f "[s]leep 4242"')).stdout !== '' ? true : undefined)
    await lab.until('the command to run', sleeping)
    long.kill('SIGTERM')
    await lab.until('the command to end with its netlab', async () => ((await sleeping()) ? undefined : true))
  })
})

test('programs are killed and started again', options, async () => {
  await withLab({ name: 'test-kill', without: withoutOurs }, async (lab) => {
    assert.match(await lab.execOk('node1', 'docker run --rm busybox echo hello'), /^hello/)
    assert.match(
      await lab.execOk('node2', 'docker run --rm netlab/tools sh -c "ip -V; nc --help 2>&1 | head -1"'),
      /iproute2/,
    )

    await lab.kill('node1', 'ovs-vswitchd')
    assert.ok(!lab.running('node1', 'ovs-vswitchd'))
    assert.equal((await cli(['status', '--name', 'test-kill'])).code, 1)
    await lab.start('node1', 'ovs-vswitchd')
    await lab.until('the data network', async () => ((await pings(lab, 'node1', '10.78.0.2')) ? true : undefined))

    await lab.kill('node1', 'ovsdb-server')
    await lab.start('node1', 'ovsdb-server')
    await lab.execOk('node1', 'ovs-vsctl --timeout=5 show')

    await lab.execOk('node1', 'docker run -d --name keeper --restart always --stop-signal KILL busybox sleep 1000')
    await lab.kill('node1', 'dockerd')
    assert.notEqual((await lab.exec('node1', 'docker ps')).code, 0)
    await lab.start('node1', 'dockerd')
    await lab.until('the container to be back', async () =>
      (await lab.exec('node1', 'docker ps --format "{{.Names}}"')).stdout === 'keeper\n' ? true : undefined,
    )
    await assert.rejects(lab.start('node1', 'dockerd'), { code: 'PROGRAM_RUNS' })
    await lab.kill('node2', 'dockerd', 'TERM')
    await assert.rejects(lab.kill('node2', 'dockerd'), { code: 'PROGRAM_STOPPED' })
    assert.match(await cliOk(['logs', '--name', 'test-kill', 'node1', 'dockerd']), /API listen on \/run\/docker.sock/)
  })
})

test('a partition parts two hosts and nobody else, until it is healed', options, async () => {
  await withLab({ name: 'test-parted', hosts: 3, without: bare }, async (lab) => {
    // A neighbour entry that failed during the partition is asked again once a second.
    const reached = (from: string, to: string) =>
      lab.until(`${to} from ${from}`, async () => ((await pings(lab, from, to)) ? true : undefined))
    await lab.partition('node1', 'node2')
    assert.ok(!(await pings(lab, 'node1', 'node2')))
    assert.ok(!(await pings(lab, 'node2', '10.78.0.1')))
    assert.ok(await pings(lab, 'node1', 'node3'))
    assert.ok(await pings(lab, 'node2', '10.78.0.3'))
    await lab.heal()
    await lab.partition('node1', 'node2', 'data')
    await reached('node1', 'node2')
    assert.ok(!(await pings(lab, 'node1', '10.78.0.2')))
    await lab.partition('node3', 'underlay')
    assert.ok(!(await pings(lab, 'node3', 'underlay')))
    assert.ok(await pings(lab, 'node3', 'node1'))
    await lab.heal()
    await reached('node1', '10.78.0.2')
    await reached('node3', 'underlay')
  })
})

test('wrong options are refused before anything is made', { skip: labSkip }, async () => {
  const level = await cli(['up', '1', '--name', 'test-usage', '--log-level', 'nonsense'])
  assert.equal(level.code, 2)
  assert.match(level.stderr, /--log-level: "nonsense" is not one of debug, info, warn, error/)
  assert.equal((await cli(['up', '--nonsense'])).code, 2)
  assert.equal((await cli(['nonsense'])).code, 2)
  assert.equal((await cli(['kill', '--name', 'test-usage', 'node1', 'netplugin'])).code, 1)
  assert.ok(!existsSync(labDirectory(labRoot(process.env), 'test-usage').lab))
})
