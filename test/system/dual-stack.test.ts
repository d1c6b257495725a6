// IPv6 beside IPv4: addresses, gateways, within and between networks, in every mode.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Capture, describeFrame, hasLayer, insideTunnel } from '../support/capture.ts'
import { bigBytes, type Container, startContainers } from '../support/containers.ts'
import { labSkip, type TestLab, type TestLabOptions, withLab } from '../support/lab.ts'
import { askAll, assertSameTable, echoOnly, silence } from '../support/reachability.ts'

interface Mode {
  readonly title: string
  readonly lab: TestLabOptions
  readonly routed: boolean
  readonly encap: 'vxlan' | 'vlan'
  readonly mtu: number
}

const modes: readonly Mode[] = [
  { title: 'VXLAN, routing', lab: { name: 'dpdualr' }, routed: true, encap: 'vxlan', mtu: 1550 },
  { title: 'VXLAN, bridge', lab: { name: 'dpdualb', fwdMode: 'bridge' }, routed: false, encap: 'vxlan', mtu: 1550 },
  { title: 'VLAN, bridge', lab: { name: 'dpdualv', netMode: 'vlan' }, routed: false, encap: 'vlan', mtu: 1600 },
]

const networks = [
  { name: 'north', prefix: 'fd06:1::', flags: '--subnet 10.6.1.0/24 --gateway 10.6.1.254' },
  { name: 'south', prefix: 'fd06:2::', flags: '--subnet 10.6.2.0/24 --gateway 10.6.2.254' },
] as const

for (const mode of modes) {
  test(mode.title, { skip: labSkip, timeout: 120_000 }, (t) => withLab(mode.lab, (lab) => checkMode(t, lab, mode)))
}

async function checkMode(t: TestContext, lab: TestLab, mode: Mode): Promise<void> {
  for (const { name, prefix, flags } of networks) {
    await lab.execOk('node1', `netctl net create ${name} ${flags} --subnetv6 ${prefix}/64 --gatewayv6 ${prefix}fe`)
  }
  const wire = await Capture.onHost(lab, 'underlay', { device: 'data' })
  const containers = await startContainers(lab, [
    { name: 'north-1', host: 'node1', network: 'north', image: 'tools' },
    { name: 'north-2', host: 'node2', network: 'north', image: 'tools' },
    { name: 'south-1', host: 'node1', network: 'south', image: 'tools' },
    { name: 'south-2', host: 'node2', network: 'south', image: 'tools' },
  ])
  await t.test('each container has an address of its own in the IPv6 subnet, ready for use', () =>
    checkAddresses(containers),
  )
  await t.test('every container reaches whom it may by IPv6', () => checkReachability(containers, mode))
  await t.test('neighbours that are known are not asked for on the wire', async () => {
    const last = `ping -c 1 -w 5 -s 555 ${containers[1]!.ipv6}`
    await containers[0]!.sh(last)
    await wire.seen('the last echo on the wire', (frame) =>
      frame.layers.some((layer) => layer.kind === 'payload' && layer.bytes.length === 555),
    )
    await wire.stop()
    const asking = wire.frames.filter((frame) =>
      hasLayer(insideTunnel(frame) ?? frame, 'neighbor-solicitation', 'neighbor-advertisement', 'router-advertisement'),
    )
    // On a VLAN somebody may be there whom the cluster does not know: the gateway and everyone else are asked for.
    const wrong =
      mode.encap === 'vlan' ? asking.filter((frame) => asksForOneOf(describeFrame(frame), containers)) : asking
    assert.deepEqual(wrong.map(describeFrame), [])
  })
  await t.test('packets of full size pass, by ICMP and by TCP', async () => {
    const [from, to] = [containers[0]!, containers[1]!]
    // IPv6 and ICMPv6 headers take 48 bytes.
    await from.sh(`ping -c 3 -i 0.2 -W 2 -M do -s ${mode.mtu - 48} ${to.ipv6}`)
    assert.equal(await from.succeeds(`ping -c 1 -W 1 -M do -s ${mode.mtu - 47} ${to.ipv6}`), false)
    const bytes = await from.sh(`curl -g -s --max-time 20 'http://[${to.ipv6}]/big' | wc -c`)
    assert.equal(Number(bytes), bigBytes)
  })
}

function asksForOneOf(described: string, containers: readonly Container[]): boolean {
  return containers.some(({ ipv6 }) => described.endsWith(`neighbor-solicitation ${ipv6}`))
}

async function checkAddresses(containers: readonly Container[]): Promise<void> {
  for (const container of containers) {
    const network = networks.find(({ name }) => name === container.network)
    assert.ok(network && container.ipv6.startsWith(network.prefix), `${container.name} has ${container.ipv6}`)
    const shown = await container.sh('ip -6 addr show dev eth0 scope global; ip -6 route')
    assert.match(shown, new RegExp(`inet6 ${container.ipv6}/64`))
    assert.doesNotMatch(shown, /tentative|dadfailed/)
    assert.match(shown, new RegExp(`default via ${network.prefix}fe `))
  }
  assert.equal(new Set(containers.map(({ ipv6 }) => ipv6)).size, containers.length)
}

async function checkReachability(containers: readonly Container[], mode: Mode): Promise<void> {
  const gateways = networks.map(({ prefix }) => `${prefix}fe`)
  const addresses = [...containers.map(({ ipv6 }) => ipv6), ...gateways]
  const expected = containers.map((from) => {
    const prefix = networks.find(({ name }) => name === from.network)?.prefix ?? ''
    const cells = addresses.map((address) => {
      const owner = containers.find(({ ipv6 }) => ipv6 === address)
      const isOnLink = address.startsWith(prefix)
      if (owner === undefined) return [address, isOnLink && mode.encap === 'vxlan' ? echoOnly : silence] as const
      return [address, isOnLink || mode.routed ? owner.name : silence] as const
    })
    return [from.name, new Map(cells)] as const
  })
  assertSameTable(await askAll(containers, addresses), new Map(expected))
}
