// Ports made in advance: by themselves, and in the passes of an agent.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { userspaceSettings as settings } from '../../test/support/node-settings.ts'
import { portNames } from '../core/compile/compile-node.ts'
import { reservedVeths } from '../core/compile/node-ports.ts'
import { planHost } from '../core/plan/host.ts'
import { type DesiredVeth, ownLinkGroup, reserveAlias } from '../core/plan/veths.ts'
import { endIn } from '../drivers/host/containers.contract.ts'
import { FakeHost } from '../drivers/host/fake.ts'
import { PortReserve } from './port-reserve.ts'
import { small, withEndpoints } from './testing.ts'
import { startAgent } from './testing-agent.ts'

const webHere = { id: 'web', network: 'default:net', node: 'node1', ipv4: '10.1.0.1' }
const mailHere = { id: 'mail', network: 'default:net', node: 'node1', ipv4: '10.1.0.3' }

/** A full reserve, its links on the host, and the numbers of its ports. */
function filled(size: number, options: { readonly hasFar?: boolean } = {}) {
  const host = new FakeHost({ hasKernelOpenVswitch: false, ...options })
  const reserve = new PortReserve({ size, seed: 's' })
  reserve.look(host.facts(), new Map())
  reserve.fill()
  host.apply(planHost({ veths: reservedVeths(reserve, settings), hostPorts: [] }, host.facts(), { remove: true }))
  const ofPorts = new Map(reserve.waiting.map(({ portName }, index) => [portName, index + 10]))
  const look = () => reserve.look(host.facts(), ofPorts)
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
  again.look(host.facts(), ofPorts)
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

const cniPair = 'cni:c1:eth0'

/** A full reserve of a host that CNI is used on, with an endpoint of CNI that has one of its pairs, or one that `from` made. */
function withCni(options: { readonly hasFar?: boolean } = {}) {
  const made = filled(4, options)
  const { host, reserve, ofPorts, look } = made
  assert.deepEqual(reserve.names('cni:c0:eth0'), portNames('cni:c0:eth0'), 'the first has to do without')
  assert.equal(reserve.isLow, true)
  reserve.fill()
  const apply = (veths: readonly DesiredVeth[]) =>
    host.apply(
      planHost({ veths: [...veths, ...reservedVeths(reserve, settings)], hostPorts: [] }, host.facts(), remove),
    )
  const number = () => {
    for (const { portName } of [...reserve.waiting, ...reserve.waitingForCni]) ofPorts.set(portName, ofPorts.size + 10)
  }
  apply([])
  number()
  look()
  const pair = reserve.names(cniPair)
  const veth = { kind: 'veth', name: pair.portName, peer: pair.peerName, mtu: 1550, txChecksum: false } as const
  apply([{ ...veth, mac: '02:02:0a:01:00:09', alias: `netplugin:${cniPair}`, isFar: true }])
  look()
  return { ...made, pair, apply }
}

const remove = { remove: true }

for (const hasFar of [true, false]) {
  test(`an endpoint of CNI has pairs of its own kind, and gives its pair back, ${hasFar ? 'far' : 'near'}`, () => {
    const { host, reserve, look, pair, apply } = withCni({ hasFar })
    const end = () => endIn(host.facts(), pair.peerName)
    const whose = () => (hasFar ? end()?.link.alias : host.facts().links.get(pair.portName)?.alias)
    assert.equal(end()?.isFar, hasFar)
    assert.deepEqual([whose(), end()?.link.mac], [`netplugin:${cniPair}`, '02:02:0a:01:00:09'])
    assert.deepEqual([reserve.waiting.length, reserve.waitingForCni.length, reserve.isLow], [4, 3, false])
    const again = new PortReserve({ size: 4, seed: 't' })
    again.look(host.facts(), new Map())
    assert.deepEqual(again.names(cniPair), pair, 'after a restart, too')

    reserve.release(cniPair)
    assert.deepEqual(reserve.keep(new Map()), [cniPair])
    assert.ok(reserve.waitingForCni.includes(pair))
    apply([])
    assert.equal(whose(), 'netplugin:reserve:cni')
    look()
    const taken = ['d1', 'd2', 'd3', 'd4', 'd5'].map((id) => reserve.names(id).portName)
    assert.equal(taken.includes(pair.portName), false)
    const next = ['cni:c2:eth0', 'cni:c3:eth0', 'cni:c4:eth0', 'cni:c5:eth0'].map((id) => reserve.names(id).portName)
    assert.ok(next.includes(pair.portName))
    assert.deepEqual(reserve.waitingForCni, [])
  })
}

test('without a word of its container the pair of an endpoint that went is not kept', () => {
  const { reserve, pair } = withCni()
  assert.deepEqual(reserve.keep(new Map()), [])
  assert.equal(reserve.waitingForCni.includes(pair), false)
})

test('a pair whose far end an older version left on the host is kept by its endpoint, and not given back', () => {
  const { host, reserve, ofPorts } = filled(2)
  const [name, peer] = ['vpold', 'npold']
  const veth = { kind: 'create-veth', name, peer, mac: '02:02:0a:01:00:09', mtu: 1550, txChecksum: false } as const
  host.apply([{ ...veth, alias: `netplugin:${cniPair}` }])
  reserve.look(host.facts(), ofPorts)
  assert.equal(reserve.names(cniPair).portName, name)
  reserve.release(cniPair)
  assert.deepEqual(reserve.keep(new Map()), [])
})

test('a waiting pair with something over it goes: its agent died before it said whose it is', () => {
  const { host, reserve, look } = withCni()
  const [{ peerName = '' } = {}] = reserve.waitingForCni
  const end = host.facts().farLinks?.get(peerName)
  assert.ok(end)
  host.addFarLink({ ...end, promiscuity: 1 })
  look()
  assert.equal(
    reserve.waitingForCni.some((names) => names.peerName === peerName),
    false,
  )
})
