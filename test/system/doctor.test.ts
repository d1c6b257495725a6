// `netplugin doctor` on hosts that are well, and on hosts on which something was broken on purpose.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { labSkip, withLab } from '../support/lab.ts'
import { stepsOf } from '../support/steps.ts'

interface Found {
  readonly level: 'ok' | 'note' | 'bad'
  readonly about: string
  readonly says: string
}

test('netplugin doctor', { skip: labSkip, timeout: 180_000 }, (t) =>
  withLab({ name: 'doctor' }, async (lab) => {
    const step = stepsOf(t)
    const doctor = async (host: string) => {
      const { code, stdout } = await lab.exec(host, 'netplugin doctor --json', { timeoutMs: 60_000 })
      const findings = JSON.parse(stdout) as Found[]
      const bad = findings.filter(({ level }) => level === 'bad')
      assert.equal(code, bad.length === 0 ? 0 : 1)
      return { findings, bad: bad.map(({ about, says }) => `${about}: ${says}`) }
    }
    const untilWell = (host: string) =>
      lab.until(`${host} to be well`, async () => (await doctor(host)).bad.length === 0 || undefined, 20_000)

    await step('hosts that are well', async () => {
      for (const host of ['node1', 'node2']) {
        const { findings, bad } = await doctor(host)
        assert.deepEqual(bad, [])
        for (const about of ['Open vSwitch', 'bridge', 'tunnel end', 'UDP port 4789', 'netmaster', 'clock', 'Docker']) {
          assert.equal(findings.find((finding) => finding.about === about)?.level, 'ok', about)
        }
        assert.equal(findings.filter(({ about }) => about.startsWith('path to ')).length, 1)
      }
    })
    await step('one of two netmasters that does not answer', async () => {
      const edit = `s#"netmaster":"[^"]*"#"netmaster":"http://netmaster:9998,http://netmaster:9999"#`
      await lab.execOk('node2', `sed '${edit}' /run/netplugin/config.json >/run/netplugin/two.json`)
      const said = await lab.execOk('node2', 'netplugin doctor --config /run/netplugin/two.json')
      assert.match(said, /^ok +netmaster +http:\/\/netmaster:9999.* answers, revision \d+$/m)
    })
    await step('a way that carries less than both ends believe', async () => {
      // The NIC below the bridge, which keeps what it has.
      const nic = (await lab.execOk('node2', 'ovs-vsctl list-ports br-phys | grep ^eth')).trim()
      await lab.execOk('node2', `ip link set ${nic} mtu 1400`)
      const { bad } = await doctor('node1')
      assert.match(
        bad.join('\n'),
        /^path to netplugin-node2: packets of 1600 bytes do not arrive at .* at most 14\d\d do/,
      )
      await lab.execOk('node2', `ip link set ${nic} mtu 1600`)
      await untilWell('node1')
    })
    await step('programs that do not run', async () => {
      await lab.kill('node1', 'netmaster')
      assert.match((await doctor('node2')).bad.join('\n'), /^netmaster: .*connection was refused/)
      await lab.start('node1', 'netmaster')
      await untilWell('node2')
      await lab.kill('node2', 'netplugin')
      const { bad } = await doctor('node2')
      assert.match(bad.join('\n'), /netplugin\.sock: nobody answers\n.*cni\.sock: nobody answers/)
      await lab.start('node2', 'netplugin')
      await untilWell('node2')
      await lab.kill('node2', 'ovs-vswitchd')
      assert.match((await doctor('node2')).bad.join('\n'), /^Open vSwitch: .*is ovs-vswitchd running/)
      await lab.start('node2', 'ovs-vswitchd')
      await untilWell('node2')
    })
    await step('a host on which netplugin never ran says so', async () => {
      const { code, stderr } = await lab.exec('node1', 'netplugin doctor --config /nowhere.json')
      assert.equal(code, 1)
      assert.match(stderr, /^netplugin: cannot read \/nowhere\.json: netplugin has not been started on this host/)
    })
  }),
)
