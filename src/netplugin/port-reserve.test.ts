// Ports made in advance: by themselves, and in the passes of an agent.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { userspaceSettings as settings } from '../../test/support/node-settings.ts'
import { portNames } from '../core/compile/compile-node.ts'
import { reservedVeths } from '../core/compile/node-ports.ts'
import { ownLinkGroup, planHost, reserveAlias } from '../core/plan/host.ts'
import { FakeHost } from '../drivers/host/fake.ts'
import { PortReserve } from './port-reserve.ts'
import { small, withEndpoints } from './testing.ts'
import { startAgent } from './testing-agent.ts'

const webHere = { id: 'web', network: 'default:net', node: 'node1', ipv4: '10.1.0.1' }
const mailHere = { id: 'mail', network: 'default:net', node: 'node1', ipv4: '10.1.0.3' }

/** A full reserve, its links on the host, and the numbers of its ports. */
function filled(size: number) {
  const host = new FakeHost({ hasKernelOpenVswitch: false })
  const reserve = new PortReserve({ size, seed: 's' })
  reserve.look({ links: host.facts().links, ofPorts: new Map() })
  reserve.fill()
  host.apply(planHost({ veths: reservedVeths(reserve, settings), hostPorts: [] }, host.facts(), { remove: true }))
  const ofPorts = new Map(reserve.waiting.map(({ portName }, index) => [portName, index + 10]))
  const look = () => reserve.look({ links: host.facts().links, ofPorts })
  look()
  return { host, reserve, ofPorts, look }
}

const full = (t: TestContext, size: number, state = small()) => startAgent(t, state, { portReserve: size })

test('an endpoint takes a pair that waits and keeps it; the next takes another, and when none is left its own', () => {
  const { reserve } = filled(2)
  const [first, second] = reserve.waiting
  assert.deepEqual([reserve.names('a'), reserve.names('b'), reserve.names('a')], [first, second, first])
  assert.deepEqual(reserve.names('c'), portNames('c'))
  assert.deepEqual(reserve.waiting, [])
})

test('a pair whose port the switch has not numbered, or whose other end is gone, is not given', () => {
  const { host, reserve, ofPorts, look } = filled(2)
  const [first, second] = reserve.waiting
  ofPorts.delete(first?.portName ?? '')
  host.moveAway(second?.peerName ?? '')
  look()
  assert.deepEqual(reserve.names('a'), portNames('a'))
  assert.deepEqual(reserve.waiting, [first], 'the broken one does not count')
})

test('who has a pair by its alias has it after a restart', () => {
  const { host, reserve, ofPorts } = filled(2)
  const [first] = reserve.waiting
  const link = host.facts().links.get(first?.portName ?? '')
  host.apply([
    {
      kind: 'claim-veth',
      name: '',
      index: link?.index ?? 0,
      peerIndex: link?.peerIndex ?? 0,
      mac: '02:02:0a:01:00:01',
      alias: 'netplugin:a',
    },
  ])
  const again = new PortReserve({ size: 2, seed: 't' })
  again.look({ links: host.facts().links, ofPorts })
  assert.deepEqual(again.names('a'), first)
  assert.equal(again.waiting.length, 1)
})

test('an endpoint whose pair went with its container gets another', () => {
  const { host, reserve, look } = filled(2)
  const [first, second] = reserve.waiting
  reserve.names('a')
  const link = host.facts().links.get(first?.portName ?? '')
  host.apply([{ kind: 'delete-link', name: '', index: link?.index ?? 0 }])
  look()
  assert.deepEqual(reserve.names('a'), second)
})

test('half empty is low; filling names new ones only, and never a name that is taken', () => {
  const { host, reserve, look } = filled(4)
  assert.equal(reserve.isLow, false)
  reserve.names('a')
  assert.equal(reserve.isLow, false)
  reserve.names('b')
  assert.equal(reserve.isLow, true)
  const before = new Set(host.facts().links.keys())
  reserve.fill()
  assert.equal(reserve.waiting.length, 4)
  assert.equal(reserve.waiting.filter(({ portName }) => before.has(portName)).length, 2)
  look()
  assert.equal(reserve.waiting.length, 2, 'those that were named and not made do not count')
  const none = new PortReserve({ size: 0, seed: 's' })
  none.fill()
  assert.deepEqual([none.isLow, none.waiting], [false, []])
})

test('an agent fills its reserve, and an endpoint that comes needs no new port', async (t) => {
  const agent = await full(t, 4)
  await agent.inForce()
  await agent.pass(6_000)
  const ports = agent.ports()
  assert.equal(ports.length, 4 + 1 + 4, 'np-host, np-int, np-outside, np-vxlan, one of web, four that wait')
  const waiting = [...agent.host.facts().links.values()].filter(({ alias }) => alias === reserveAlias)
  assert.equal(waiting.length, 4)
  assert.ok(waiting.every(({ group, up }) => group === ownLinkGroup && up))

  agent.world.state = withEndpoints(small(), webHere, mailHere)
  const peerName = agent.attachments.whenInForce('mail', AbortSignal.timeout(10_000))
  agent.agent.lookAgain()
  const name = await peerName
  const peer = agent.host.facts().links.get(name)
  assert.equal(peer?.mac, '02:02:0a:01:00:03')
  const port = [...agent.host.facts().links.values()].find(({ index }) => index === peer?.peerIndex)
  assert.equal(port?.alias, 'netplugin:mail')
  assert.deepEqual(agent.ports(), ports, 'no port was made')
  const mark = () => [...agent.database.rows('Port').values()].find(({ name }) => name === port?.name)?.external_ids
  await agent.lookUntil('the database names the endpoint', () => JSON.stringify(mark())?.includes('mail'))
})

test('an endpoint that goes does not give its pair back, and the reserve becomes full again', async (t) => {
  const agent = await full(t, 2)
  await agent.inForce()
  await agent.pass(6_000)
  const before = agent.ports().length
  agent.world.state = withEndpoints(small(), webHere, mailHere)
  agent.agent.lookAgain()
  const peerName = await agent.attachments.whenInForce('mail', AbortSignal.timeout(10_000))
  await agent.enter({ ...small(), revision: 9 })
  await agent.lookUntil('its link is gone', () => !agent.links().includes(peerName))
  await agent.pass(6_000)
  assert.equal(agent.ports().length, before)
})

test('a reserve that is switched off goes away', async (t) => {
  const agent = await full(t, 0)
  agent.host.apply([
    {
      kind: 'create-veth',
      name: 'vpx',
      peer: 'npx',
      mac: '02:02:00:00:00:00',
      mtu: 1500,
      alias: reserveAlias,
      txChecksum: false,
    },
  ])
  agent.agent.lookAgain()
  await agent.inForce()
  await agent.lookUntil('it is gone', () => !agent.links().includes('vpx'))
})

test('a pair that nothing is over any more waits for the next endpoint of CNI, and for no other', () => {
  const { host, reserve, ofPorts, look } = filled(2)
  const pair = reserve.names('cni:c1:eth0')
  const veth = { kind: 'veth', name: pair.portName, peer: pair.peerName, mtu: 1550, txChecksum: false } as const
  const ofEndpoint = { ...veth, mac: '02:02:0a:01:00:09', alias: 'netplugin:cni:c1:eth0' }
  host.apply(planHost({ veths: [ofEndpoint], hostPorts: [] }, host.facts(), { remove: false }))
  ofPorts.set(pair.portName, 10)
  look()
  reserve.release('cni:c1:eth0')
  assert.deepEqual(reserve.keep(new Map()), ['cni:c1:eth0'])
  assert.deepEqual(reserve.worn, [pair])
  host.apply(planHost({ veths: reservedVeths(reserve, settings), hostPorts: [] }, host.facts(), { remove: true }))
  assert.equal(host.facts().links.get(pair.portName)?.alias, 'netplugin:reserve:again')
  look()
  assert.notDeepEqual(reserve.names('docker'), pair)
  assert.deepEqual(reserve.names('cni:c2:eth0'), pair)
  assert.deepEqual(reserve.worn, [])
})

test('without a word of its container the pair of an endpoint that went is not kept', () => {
  const { reserve } = filled(2)
  reserve.names('cni:c1:eth0')
  assert.deepEqual(reserve.keep(new Map()), [])
  assert.deepEqual(reserve.worn, [])
})
