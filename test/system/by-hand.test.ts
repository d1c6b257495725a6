// Endpoints made by hand: a namespace, an interface of the host with a machine behind it, the tap of a VM.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeNamespaces } from '../support/cni.ts'
import { networkInventory, settledInventory, untilAsBefore } from '../support/inventory.ts'
import { labSkip, withLab } from '../support/lab.ts'
import { stepsOf } from '../support/steps.ts'

const hosts = ['node1', 'node2']
const machineMac = '52:54:00:00:00:01'

test('netplugin attach and detach', { skip: labSkip, timeout: 120_000 }, (t) =>
  withLab({ name: 'cnhand' }, async (lab) => {
    const step = stepsOf(t)
    await lab.execOk('node1', 'netctl net create n --subnet=10.1.1.0/24 --gateway=10.1.1.254')
    await lab.execOk('node1', 'netctl group create n web')
    await makeNamespaces(lab, 'node1', 'blue')
    await makeNamespaces(lab, 'node2', 'machine')
    // The wire to a machine: its end is in a namespace, as it would be on a desk.
    const wire = 'ip link add wire0 type veth peer name nic0 netns machine'
    await lab.execOk('node2', `${wire} && ethtool -K wire0 tx off && ip link set wire0 up`)
    await lab.execOk('node2', 'ip tuntap add dev tap7 mode tap')
    const before = await settledInventory(lab, hosts)

    await step('a namespace by its name, and by the number of a process', async () => {
      const said = await lab.execOk('node1', 'netplugin attach --netns blue --network n --group web --name blue')
      assert.equal(said, 'blue: eth0 with MAC address 02:02:0a:01:01:01\n  10.1.1.1/24, gateway 10.1.1.254\n')
      const sleeper = lab.spawn('node1', ['unshare', '-n', 'sleep', '100'])
      const pid = await lab.until('the process', async () => {
        const { stdout } = await lab.exec('node1', 'pidof sleep')
        const found = await lab.exec(
          'node1',
          `for p in ${stdout.trim()}; do [ "$(readlink /proc/$p/ns/net)" != "$(readlink /proc/1/ns/net)" ] && echo $p; done`,
        )
        return found.stdout.trim() || undefined
      })
      await lab.execOk(
        'node1',
        `netplugin attach --netns ${pid} --interface net0 --ip 10.1.1.9 --network n --name other`,
      )
      await lab.execOk('node1', 'ip netns exec blue ping -c 1 -W 3 10.1.1.9')
      await lab.execOk('node1', 'ip netns exec blue ping -c 1 -W 3 10.1.1.254')
      await lab.execOk('node1', 'netplugin detach --name other --interface net0')
      sleeper.kill('SIGKILL')
    })

    await step('an interface of the host: the machine behind it is in the network, on another host', async () => {
      const said = await lab.execOk(
        'node2',
        `netplugin attach --device wire0 --mac ${machineMac} --network n --name machine`,
      )
      const [, address = ''] = /^ {2}(10\S+)\/24/m.exec(said) ?? []
      const setUp = `ip link set nic0 address ${machineMac} && ethtool -K nic0 tx off && ip address add ${address}/24 dev nic0`
      await lab.execOk(
        'node2',
        `nsenter --net=/run/netns/machine sh -c '${setUp} && ip link set nic0 up && ip route add default via 10.1.1.254'`,
      )
      await lab.execOk('node2', 'ip netns exec machine ping -c 1 -W 3 10.1.1.1')
      await lab.execOk('node1', `ip netns exec blue ping -c 1 -W 3 ${address}`)
      const named = await lab.execOk('node1', 'ip netns exec blue dig +short @10.1.1.254 machine A')
      assert.equal(named.trim(), address)
    })

    await step('the tap of a VM that is off; a new netplugin knows both', async () => {
      await lab.execOk('node2', 'netplugin attach --device tap7 --network n --name vm')
      await lab.kill('node2', 'netplugin')
      await lab.start('node2', 'netplugin')
      await lab.execOk('node2', 'ip netns exec machine ping -c 1 -W 3 10.1.1.1')
      const ports = await lab.execOk('node2', 'ovs-vsctl list-ports np-int')
      assert.match(ports, /^tap7$/m)
      assert.match(ports, /^wire0$/m)
    })

    await step('what cannot be is refused with the reason', async () => {
      const refusal = async (words: string) => {
        const { code, stderr } = await lab.exec('node2', `netplugin attach ${words}`)
        return `${code} ${stderr}`
      }
      const place = '--network n --name x'
      assert.match(await refusal(`--device eth0 ${place}`), /^1 netplugin: eth0 carries the address 10\.77\.0\.2/)
      assert.match(await refusal(`--device none ${place}`), /^1 netplugin: there is no interface none/)
      assert.match(await refusal(`--device np-int ${place}`), /^1 netplugin: np-int is not for containers/)
      assert.match(await refusal(`--netns gone ${place}`), /^1 netplugin: cannot open the network namespace/)
      assert.match(await refusal('--netns machine --network none --name x'), /^1 netplugin: .*none/)
      assert.match(await refusal('--netns machine --name x'), /^22 netplugin: netplugin attach needs --network/)
    })

    await step('detached, everything is as before; the devices stay', async () => {
      await lab.execOk('node1', 'netplugin detach --name blue')
      await lab.execOk(
        'node2',
        'netplugin detach --name machine --device wire0 && netplugin detach --name vm --device tap7',
      )
      await lab.execOk('node2', 'netplugin detach --name vm --device tap7')
      await untilAsBefore(lab, before)
      assert.equal((await networkInventory(lab, 'default:n')).allocated, '10.1.1.254')
    })
  }),
)
