// What Nomad and Mesos send, with the configurations of examples/: what is asked of netmaster, and what they need of the answer.
//
// Nomad: client/allocrunner/networking_cni.go (by go-cni). Mesos: docs/cni.md and the network/cni isolator.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parseCall, parseConfig, parseDocument } from '../protocols/cni/index.ts'
import { readWish } from './cni-wish.ts'

const example = (path: string) =>
  JSON.parse(readFileSync(fileURLToPath(new URL(`../../examples/${path}`, import.meta.url)), 'utf8'))

const wishOf = (environment: Record<string, string>, config: object) =>
  readWish(parseCall(environment), parseConfig(parseDocument(JSON.stringify(config))))

const allocation = '4c2b7a9e-5d0f-4a3c-9b1d-8f6e2d7c1a10'

test("Nomad's ADD of an allocation", () => {
  const { name, cniVersion, plugins } = example('nomad/web.conflist')
  const plugin = plugins.find(({ type }: { type: string }) => type === 'netplugin-cni')
  const { capabilities, ...config } = plugin
  assert.deepEqual(Object.keys(capabilities), ['portMappings'])
  const mapped = (protocol: string) => ({ hostPort: 24_680, containerPort: 80, protocol, hostIP: '10.0.0.7' })
  const wish = wishOf(
    {
      CNI_COMMAND: 'ADD',
      CNI_CONTAINERID: allocation,
      CNI_NETNS: `/var/run/docker/netns/${allocation.slice(0, 12)}`,
      CNI_IFNAME: 'eth0',
      CNI_PATH: '/opt/cni/bin',
      CNI_ARGS: `IgnoreUnknown=true;NOMAD_ALLOC_ID=${allocation};NOMAD_GROUP_NAME=front;NOMAD_JOB_ID=shop;NOMAD_NAMESPACE=default;NOMAD_REGION=global;io.netplugin.group=front`,
    },
    // Each port comes for both protocols.
    { ...config, name, cniVersion, runtimeConfig: { portMappings: [mapped('tcp'), mapped('udp')] } },
  )
  assert.deepEqual(wish.ref, { tenant: 'default', network: 'web', group: 'front' })
  assert.deepEqual(
    wish.ports.map(({ protocol, hostPort, containerPort, hostIp }) => [protocol, hostPort, containerPort, hostIp]),
    [
      ['tcp', 24_680, 80, '10.0.0.7'],
      ['udp', 24_680, 80, '10.0.0.7'],
    ],
  )
  assert.equal(wish.containerName, allocation)
})

test("Mesos' ADD of a container, with its network info", () => {
  const config = example('mesos/web.json')
  const [networkInfo] = example('mesos/task.json').container.network_infos
  const wish = wishOf(
    {
      CNI_COMMAND: 'ADD',
      CNI_CONTAINERID: allocation,
      CNI_NETNS: `/var/run/mesos/isolators/network/cni/${allocation}/ns`,
      CNI_IFNAME: 'eth0',
      CNI_PATH: '/opt/cni/bin',
    },
    { ...config, args: { 'org.apache.mesos': { network_info: networkInfo } } },
  )
  assert.deepEqual(wish.ref, { tenant: 'default', network: 'web', group: 'front' })
  assert.deepEqual(wish.ports, [{ hostPort: 8080, containerPort: 80, protocol: 'tcp', hostIp: '' }])
  assert.equal(wish.labels.tier, 'front')
})

test('labels cannot pretend to be the marks of this host', () => {
  const labels = [{ key: 'io.netplugin.cni.device', value: 'eth0' }]
  const { labels: kept } = wishOf(
    { CNI_COMMAND: 'ADD', CNI_CONTAINERID: 'c', CNI_NETNS: '/n', CNI_IFNAME: 'eth0' },
    { name: 'web', args: { cni: { labels } } },
  )
  assert.deepEqual(kept, { 'io.netplugin.cni.config': 'web', 'io.netplugin.cni.netns': '/n' })
})
