// Every file of examples/ loaded with netdcli, and the networks and endpoints that come of it.

import assert from 'node:assert/strict'
import { globSync } from 'node:fs'
import { test } from 'node:test'
import type { EndpointState, NetworkState } from '../../src/model/intent-answer.ts'
import type { TestNetmaster } from '../../src/netmaster/testing.ts'
import { startCluster } from '../support/command-lines.ts'
import { examples, loadExample } from '../support/netdcli.ts'

/** By network, `name.tenant kind/tag subnet gateway`: its endpoints, `container address host`. */
type Cluster = Readonly<Record<string, readonly string[]>>

async function clusterOf(netmaster: TestNetmaster): Promise<Cluster> {
  // The types are those of the routes; their content is what the tests check.
  const networks = (await netmaster.ok('GET', '/networks')) as NetworkState[]
  const endpoints = (await netmaster.ok('GET', '/endpoints')) as EndpointState[]
  const found: Record<string, readonly string[]> = {}
  for (const { id, pktTagType, pktTag, subnetIP, subnetLen, gateway } of networks) {
    found[`${id} ${pktTagType}/${pktTag} ${subnetIP}/${subnetLen} ${gateway}`.trimEnd()] = endpoints
      .filter(({ netID }) => netID === id)
      .map(({ containerName, ipAddress, homingHost }) => `${containerName} ${ipAddress} ${homingHost}`.trimEnd())
  }
  return found
}

const c = (number: number, address: string, host = '') => `myContainer${number} ${address} ${host}`.trimEnd()
const orangeVlan = 'orange.tenant-one vlan/11 11.1.0.0/24 11.1.0.254'
const orangeVxlan = 'orange.tenant-one vxlan/10001 11.1.0.0/24 11.1.0.254'
const purpleVxlan = 'purple.tenant-one vxlan/10002 11.1.1.0/24'
const onTwoHosts = [
  c(1, '11.1.0.1', 'host1'),
  c(2, '11.1.0.2', 'host1'),
  c(3, '11.1.0.3', 'host2'),
  c(4, '11.1.0.4', 'host2'),
]
const oneOnEach = [c(1, '11.1.0.1', 'host1'), c(3, '11.1.0.2', 'host2')]
const otherOnEach = [c(2, '11.1.1.1', 'host1'), c(4, '11.1.1.2', 'host2')]
const sameOnEach = [c(2, '11.1.0.1', 'host1'), c(4, '11.1.0.2', 'host2')]

/** Files for -cfg, by name. */
const expected: Readonly<Record<string, Cluster>> = {
  'one_host_vlan.json': { [orangeVlan]: [c(1, '11.1.0.1', 'host1'), c(2, '11.1.0.2', 'host1')] },
  'one_host_multiple_nets.json': {
    [orangeVlan]: [c(1, '11.1.0.1', 'host1'), c(2, '11.1.0.2', 'host1')],
    'purple.tenant-one vlan/12 11.1.1.0/24': [c(3, '11.1.1.1', 'host1'), c(4, '11.1.1.2', 'host1')],
  },
  'two_host_vlan.json': { [orangeVlan]: onTwoHosts },
  'two_host_vxlan.json': { [orangeVxlan]: onTwoHosts },
  'three_host_vxlan.json': {
    [orangeVxlan]: [...onTwoHosts, c(5, '11.1.0.5', 'host3'), c(6, '11.1.0.6', 'host3')],
  },
  'two_hosts_multiple_vlans_nets.json': {
    [orangeVlan]: oneOnEach,
    'purple.tenant-one vlan/12 11.1.1.0/24': otherOnEach,
  },
  'two_hosts_multiple_vxlan_nets.json': { [orangeVxlan]: oneOnEach, [purpleVxlan]: otherOnEach },
  'multiple_eps_in_container.json': {
    [orangeVxlan]: [c(1, '11.1.0.1', 'host1'), c(2, '11.1.0.2', 'host1')],
    [purpleVxlan]: [c(2, '11.1.1.1', 'host1'), c(3, '11.1.1.2', 'host2')],
  },
  'two_hosts_multiple_tenants.json': {
    [orangeVxlan]: oneOnEach,
    'orange.tenant-two vxlan/15001 11.1.0.0/24 11.1.0.254': sameOnEach,
  },
  'two_hosts_multiple_tenants_mix_vlan_vxlan.json': {
    'orange.tenant-one vlan/200 11.1.0.0/24 11.1.0.254': oneOnEach,
    'orange.tenant-two vxlan/15001 11.1.0.0/24 11.1.0.254': sameOnEach,
  },
  'late_bindings/multiple_vxlan_nets.json': {
    [orangeVxlan]: [c(1, '11.1.0.1'), c(3, '11.1.0.2')],
    [purpleVxlan]: [c(2, '11.1.1.1'), c(4, '11.1.1.2')],
  },
  'container_bindings/multiple_vxlan_nets.json': {
    [orangeVxlan]: ['myPod1 11.1.0.1'],
    [purpleVxlan]: ['myPod2 11.1.1.1'],
  },
  'fixed_numbers.json': {
    'orange.tenant-one vxlan/5001 12.1.1.0/24 12.1.1.1': [c(1, '12.1.1.10', 'host1'), c(2, '12.1.1.2', 'host1')],
    'purple.tenant-one vlan/1 12.1.2.0/25': [c(3, '12.1.2.1', 'host1')],
  },
  'one_tenant_top_level.json': {
    'orange.default vlan/11 11.1.0.0/24 11.1.0.254': [c(1, '11.1.0.1', 'host1'), c(2, '11.1.0.2', 'host1')],
  },
  'minimal.json': { 'orange.tenant-one vxlan/1 10.1.0.0/24 10.1.0.254': [c(1, '10.1.0.1')] },
  'none.json': {},
}

/** Files that need another one first; each has a test of its own below. */
const afterOthers = [
  'container_bindings/multiple_vxlan_nets_host_bindings.json',
  'late_bindings/multiple_vxlan_nets_host_bindings.json',
  'two_hosts_multiple_vxlan_add_del_ep.json',
]

for (const [name, cluster] of Object.entries(expected)) {
  test(`netdcli -cfg examples/${name}`, async (t) => {
    const { url, cluster: netmaster } = await startCluster(t)
    await loadExample(url, '-cfg', name)
    assert.deepEqual(await clusterOf(netmaster), cluster)
    assert.equal(await loadExample(url, '-cfg', name), 'nothing to change\n')
    assert.equal(await loadExample(url, '-add-cfg', name), 'nothing to change\n')
    await loadExample(url, '-cfg', 'none.json')
    assert.deepEqual(await clusterOf(netmaster), {})
  })
}

test('each example is loaded by a test', () => {
  // Those of schedulers are no intents.
  const files = globSync('**/*.json', { cwd: examples, exclude: ['nomad', 'mesos'] }).sort()
  assert.deepEqual(files, [...Object.keys(expected), ...afterOthers].sort())
})

test('the examples follow each other on one cluster', async (t) => {
  const { url, cluster: netmaster } = await startCluster(t)
  for (const [name, cluster] of Object.entries(expected)) {
    await loadExample(url, '-cfg', name)
    const found = await clusterOf(netmaster)
    // What stays keeps its addresses and tags, which may then be others than on an empty cluster.
    const names = (of: Cluster) => Object.keys(of).map((key) => key.split(' ')[0])
    assert.deepEqual(names(found), names(cluster), name)
    const containers = (of: Cluster) =>
      Object.values(of).map((endpoints) => endpoints.map((each) => each.split(' ')[0]))
    assert.deepEqual(containers(found), containers(cluster), name)
  }
})

test('an endpoint is added and deleted again', async (t) => {
  const { url, cluster: netmaster } = await startCluster(t)
  await loadExample(url, '-cfg', 'two_hosts_multiple_vxlan_nets.json')
  const before = await clusterOf(netmaster)
  assert.equal(
    await loadExample(url, '-add-cfg', afterOthers[2] ?? ''),
    'added endpoint orange.tenant-one-myContainer5\n',
  )
  assert.deepEqual((await clusterOf(netmaster))[orangeVxlan], [...oneOnEach, c(5, '11.1.0.3', 'host1')])
  const deleted = await loadExample(url, '-del-cfg', afterOthers[2] ?? '')
  assert.match(
    deleted,
    /^removed endpoint orange\.tenant-one-myContainer5\nkept network tenant-one:orange: 2 endpoints are left on it\n$/,
  )
  assert.deepEqual(await clusterOf(netmaster), before)
})

for (const folder of ['late_bindings', 'container_bindings']) {
  test(`endpoints without a host are bound by the host bindings of ${folder}`, async (t) => {
    const { url, cluster: netmaster } = await startCluster(t)
    await loadExample(url, '-cfg', `${folder}/multiple_vxlan_nets.json`)
    await loadExample(url, '-host-bindings-cfg', `${folder}/multiple_vxlan_nets_host_bindings.json`)
    const hosts = Object.values(await clusterOf(netmaster))
      .flat()
      .map((each) => each.split(' '))
    for (const [container, , host] of hosts) {
      const second = /[34]$/.test(container ?? '') || container === 'myPod2'
      assert.equal(host, second ? 'host2' : 'host1', container)
    }
  })
}
