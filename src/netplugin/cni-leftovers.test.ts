// Which endpoints of CNI are given up because their containers are gone.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { endpointRecord } from '../../test/support/cluster.ts'
import { FakeHost } from '../drivers/host/fake.ts'
import { FakeClock } from '../lib/fake-clock.ts'
import { silentLog } from '../lib/log.ts'
import { CniLeftovers } from './cni-leftovers.ts'
import { small } from './testing.ts'

function setup() {
  const host = new FakeHost({ hasKernelOpenVswitch: false })
  const veth = { kind: 'create-veth', name: 'vp1', peer: 'np1', mac: '02:02:0a:01:00:09', mtu: 1450 } as const
  host.apply([{ ...veth, alias: 'a', txChecksum: false }])
  const paths = new Set<string>()
  const busy = new Set<string>()
  const given: string[] = []
  const restored: string[] = []
  const record = (id: string, node = 'node1') => {
    const labels = { 'io.netplugin.cni.netns': `/run/netns/${id}` }
    return endpointRecord({ id, network: 'default:net', node, ipv4: '10.1.0.9', labels })
  }
  const records = [record('cni:c1:eth0'), record('cni:c2:eth0', 'node2'), record('docker')]
  const state = small({ endpoints: new Map(records.map((each) => [each.endpointId, each])) })
  const leftovers = new CniLeftovers(
    { node: 'node1' },
    {
      state: () => state,
      mayRemove: () => true,
      host,
      linkOf: () => 'np1',
      busy: () => busy,
      exists: (path) => paths.has(path),
      giveUp: async (id) => void given.push(id),
      restore: async (id) => restored.push(id) > 0,
      clock: new FakeClock(),
      log: silentLog,
    },
  )
  return { host, paths, busy, given, restored, leftovers }
}

test('one that is gone in two looks is given up, and no one else', async () => {
  const { given, leftovers } = setup()
  await leftovers.look()
  assert.deepEqual(given, [])
  await leftovers.look()
  assert.deepEqual(given, ['cni:c1:eth0'])
})

test('one whose namespace is there is not, nor one that a call is about, nor one with an interface over its link', async () => {
  const { given, leftovers, paths, busy, host } = setup()
  const looks = async () => {
    for (let look = 0; look < 3; look++) await leftovers.look()
  }
  paths.add('/run/netns/cni:c1:eth0')
  await looks()
  paths.clear()
  busy.add('cni:c1:eth0')
  await looks()
  busy.clear()
  const lower = host.facts().links.get('np1')
  assert.ok(lower)
  host.addLink({ ...lower, promiscuity: 1 })
  await looks()
  host.moveAway('np1')
  await looks()
  assert.deepEqual(given, [])
})

test('one whose container is there, with nothing over its link, gets its interface back', async () => {
  const { restored, leftovers, paths, host } = setup()
  paths.add('/run/netns/cni:c1:eth0')
  await leftovers.look()
  assert.deepEqual(restored, ['cni:c1:eth0'])
  const lower = host.facts().links.get('np1')
  assert.ok(lower)
  host.addLink({ ...lower, promiscuity: 1 })
  await leftovers.look()
  assert.equal(restored.length, 1)
})
