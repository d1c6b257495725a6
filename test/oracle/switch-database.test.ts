// The database half of the switch driver against a real Open vSwitch with the userspace datapath.

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { DesiredBridge, DesiredPort } from '../../src/core/plan/database.ts'
import { OpenVswitchDatabase } from '../../src/drivers/switch/open-vswitch-database.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { silentLog } from '../../src/lib/log.ts'
import { type OpenVswitch, startOpenVswitch } from '../support/open-vswitch.ts'

const deadline = () => AbortSignal.timeout(20_000)
const remove = { remove: true } as const

type Type = DesiredPort['interfaces'][number]['type']

function port(name: string, type: Type = '', options: Readonly<Record<string, string>> = {}): DesiredPort {
  return { name, mark: { 'netplugin-endpoint': name }, interfaces: [{ name, type, options }] }
}

function bridge(
  name: string,
  ports: readonly DesiredPort[],
  failMode: 'secure' | 'standalone' = 'secure',
): DesiredBridge {
  const byName = new Map(ports.map((one) => [one.name, one]))
  return { name, datapathType: 'netdev', failMode, protocols: ['OpenFlow13', 'OpenFlow14'], ports: byName }
}

const tunnel = (options: Readonly<Record<string, string>>) =>
  port('np-vxlan', 'vxlan', { remote_ip: 'flow', key: 'flow', ...options })

describe('the switch driver and a real Open vSwitch', () => {
  let dir: string
  let ovs: OpenVswitch
  let database: OpenVswitchDatabase

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'switch-oracle-'))
    ovs = await startOpenVswitch(join(dir, 'ovs'), { log: silentLog })
    database = await connect('node1')
  })
  after(async () => {
    database?.close()
    await ovs?.stop()
    await rm(dir, { recursive: true, force: true })
  })
  beforeEach(() => database.apply([], remove, deadline()))

  const connect = (owner: string) =>
    OpenVswitchDatabase.connect({ path: ovs.dbSocket, owner }, { log: silentLog, clock: systemClock }, deadline())
  const configurations = () => ovs.vsctl('--no-wait', 'get', 'Open_vSwitch', '.', 'next_cfg')
  const addVeth = async (name: string) => {
    await ovs.inside('ip', 'link', 'add', name, 'type', 'veth', 'peer', 'name', `${name}-in`)
    for (const end of [name, `${name}-in`]) await ovs.inside('ip', 'link', 'set', end, 'up')
  }
  const deleteLink = (name: string) => ovs.inside('ip', 'link', 'del', name)
  const devices = async () => {
    const links = JSON.parse(await ovs.inside('ip', '-j', 'link')) as { ifname: string; ifindex: number }[]
    return new Map(links.map(({ ifname, ifindex }) => [ifname, { index: ifindex }]))
  }

  test('a whole node: endpoint, host port, tunnel, and a bond behind a patch; the second time nothing is written', async () => {
    for (const name of ['web', 'eth1', 'eth2']) await addVeth(name)
    const host: DesiredPort = {
      name: 'np-host',
      mark: { 'netplugin-role': 'host' },
      interfaces: [
        {
          name: 'np-host',
          type: 'internal',
          options: {},
          mac: '00:00:11:11:11:12',
          mtuRequest: 1450,
          ofportRequest: 77,
        },
      ],
    }
    const bond: DesiredPort = {
      name: 'uplinkPort',
      mark: { 'netplugin-role': 'uplink' },
      interfaces: [...port('eth1').interfaces, ...port('eth2').interfaces],
      bond: { mode: 'balance-tcp', lacp: 'active', fallback: true },
      trunks: [20, 3, 100],
    }
    const desired = [
      bridge('np-int', [port('web'), host, tunnel({}), port('np-to-uplink', 'patch', { peer: 'np-to-int' })]),
      bridge('np-uplink', [bond, port('np-to-int', 'patch', { peer: 'np-to-uplink' })], 'standalone'),
    ]
    await database.apply(desired, remove, deadline())
    const facts = database.facts('np-int')
    assert.deepEqual([...facts.ofPorts.keys()].sort(), ['np-host', 'np-int', 'np-to-uplink', 'np-vxlan', 'web'])
    assert.equal(facts.ofPorts.get('np-host'), 77)
    assert.equal(facts.errors.size, 0)
    assert.deepEqual([...database.facts('np-uplink').ofPorts.keys()].sort(), ['eth1', 'eth2', 'np-to-int', 'np-uplink'])
    const link = await ovs.inside('ip', '-o', 'link', 'show', 'np-host')
    assert.match(link, /mtu 1450 .*00:00:11:11:11:12/)

    const before = await configurations()
    await database.apply(desired, remove, deadline())
    const fresh = await connect('node1')
    await fresh.apply(desired, remove, deadline())
    fresh.close()
    assert.equal(await configurations(), before)
    for (const name of ['web', 'eth1', 'eth2']) await deleteLink(name)
  })

  test('an endpoint without its device is an error of that port, until the device comes', async () => {
    await database.apply([bridge('np-int', [port('late')])], remove, deadline())
    assert.match(database.facts('np-int').errors.get('late') ?? '', /could not open network device late/)
    const arrived = Promise.withResolvers<void>()
    const stop = database.onChange(() => {
      if (database.facts('np-int').ofPorts.has('late')) arrived.resolve()
    })
    const late = setTimeout(() => arrived.reject(new Error('the switch did not notice the device')), 10_000)
    await addVeth('late')
    await arrived.promise
    clearTimeout(late)
    stop()
    assert.equal(database.facts('np-int').errors.has('late'), false)
    await deleteLink('late')
  })

  test('a tunnel listens after each change of its options', async () => {
    // The userspace datapath listens where a bridge has an address.
    await ovs.vsctl('add-br', 'br-phys', '--', 'set', 'bridge', 'br-phys', 'datapath_type=netdev')
    await ovs.inside('ip', 'address', 'add', '198.51.100.1/24', 'dev', 'br-phys')
    await ovs.inside('ip', 'link', 'set', 'br-phys', 'up')
    for (const options of [{}, { exts: 'gbp' }, { exts: 'gbp', local_ip: '198.51.100.1' }, { local_ip: 'flow' }]) {
      await database.apply([bridge('np-int', [tunnel(options)])], remove, deadline())
      assert.ok(database.facts('np-int').ofPorts.has('np-vxlan'))
      assert.match(await ovs.appctl('tnl/ports/show', '-v'), /vxlan_sys_4789/, JSON.stringify(options))
    }
    await ovs.vsctl('del-br', 'br-phys')
  })

  test('when apply returns the switch has let go of a removed port', async () => {
    await addVeth('web')
    await database.apply([bridge('np-int', [port('web')])], remove, deadline())
    assert.match(await ovs.appctl('dpif/show'), /\bweb\b/)
    await database.apply([bridge('np-int', [])], remove, deadline())
    assert.doesNotMatch(await ovs.appctl('dpif/show'), /\bweb\b/)
    await deleteLink('web')
  })

  test('a device that was replaced by one of the same name passes packets again', async () => {
    const desired = [bridge('np-int', [port('web')], 'standalone')]
    await addVeth('web')
    await database.apply(desired, { remove: true, devices: await devices() }, deadline())
    await deleteLink('web')
    await addVeth('web')
    await database.apply(desired, { remove: true, devices: await devices() }, deadline())
    // Any frame of the other end makes the bridge learn its address.
    const links = JSON.parse(await ovs.inside('ip', '-j', 'link', 'show', 'web-in')) as { address: string }[]
    await ovs.inside('ip', 'address', 'add', '192.0.2.1/24', 'dev', 'web-in')
    await ovs.inside('sh', '-c', 'ping -c 1 -W 1 192.0.2.2 >/dev/null || true')
    assert.match(await ovs.appctl('fdb/show', 'np-int'), new RegExp(links[0]!.address))
    await deleteLink('web')
  })

  test('bridges and ports of others stay, and keep their names', async () => {
    await ovs.vsctl('add-br', 'theirs', '--', 'set', 'bridge', 'theirs', 'datapath_type=netdev')
    await ovs.vsctl('add-port', 'theirs', 'db', '--', 'set', 'interface', 'db', 'type=internal')
    await database.apply([bridge('np-int', [port('db'), port('np-host', 'internal')])], remove, deadline())
    const { ofPorts, errors } = database.facts('np-int')
    assert.deepEqual([...ofPorts.keys()].sort(), ['np-host', 'np-int'])
    assert.match(errors.get('db') ?? '', /port db of bridge theirs/)
    await database.apply([], remove, deadline())
    assert.equal((await ovs.vsctl('list-br')).trim(), 'theirs')
    assert.equal((await ovs.vsctl('list-ports', 'theirs')).trim(), 'db')
    await ovs.vsctl('del-br', 'theirs')
  })

  test('names that change their place: a port becomes a member of a bond, and a bridge a port', async () => {
    await addVeth('eth1')
    await addVeth('eth2')
    await database.apply([bridge('one', [port('eth1')]), bridge('two', [])], remove, deadline())
    const bond = { ...port('up'), interfaces: [...port('eth1').interfaces, ...port('eth2').interfaces] }
    const bonded = { ...bond, bond: { mode: 'active-backup', lacp: 'off', fallback: false } as const }
    await database.apply([bridge('one', [bonded, port('two', 'internal')])], remove, deadline())
    assert.deepEqual([...database.facts('one').ofPorts.keys()].sort(), ['eth1', 'eth2', 'one', 'two'])
    assert.equal(database.facts('one').errors.size, 0)
    for (const name of ['eth1', 'eth2']) await deleteLink(name)
  })

  test('three hundred ports at once are all numbered', async () => {
    const names = Array.from({ length: 300 }, (_, index) => `p${index}`)
    const ports = names.map((name) => port(name, 'patch', { peer: `${name}-peer` }))
    await database.apply([bridge('np-int', ports)], remove, deadline())
    const { ofPorts } = database.facts('np-int')
    assert.equal(new Set(ofPorts.values()).size, 301)
  })
})
