// Passes that go well: links, ports and flows follow the state.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type EndpointIntent, groupRecord, ruleRecord } from '../../test/support/cluster.ts'
import { portNames } from '../core/compile/compile-node.ts'
import { tableId } from '../core/pipeline/flow.ts'
import type { ClusterState } from '../model/state.ts'
import { insert, mutate, named } from '../protocols/ovsdb/index.ts'
import { settle, small, withEndpoints } from './testing.ts'
import { startAgent } from './testing-agent.ts'

const web = portNames('web')
const mail = portNames('mail')
const webHere = { id: 'web', network: 'default:net', node: 'node1', ipv4: '10.1.0.1' }
const mailHere = { id: 'mail', network: 'default:net', node: 'node1', ipv4: '10.1.0.3' }
const inPort = (port: number) => (flow: { match: object }) => 'in_port' in flow.match && flow.match.in_port === port

test('a pass makes links, ports and flows, and then the endpoint is in force', async (t) => {
  const agent = await startAgent(t, small())
  await agent.attachments.whenInForce('web', AbortSignal.timeout(10_000))
  assert.deepEqual(agent.links(), [web.peerName, web.portName].sort())
  const link = agent.host.facts().links.get(web.portName)
  assert.equal(link?.alias, 'netplugin:web')
  assert.equal(link?.mtu, 1550)
  assert.ok(agent.host.txChecksumOff.has(web.peerName), 'the userspace datapath makes no checksums')
  assert.deepEqual(agent.ports(), ['np-host', 'np-int', 'np-outside', 'np-vxlan', web.portName].sort())
  const ofPort = [...agent.database.rows('Interface').values()].find((row) => row.name === web.portName)?.ofport
  assert.equal(agent.inTable(0).filter(inPort(Number(ofPort))).length > 0, true, 'its port is admitted')
  assert.ok(
    agent.flows().some((flow) => flow.includes('10.1.0.2')),
    'the endpoint of the other node is known',
  )
})

test('all flows of a change come in one bundle', async (t) => {
  const agent = await startAgent(t, small())
  await agent.inForce()
  const before = agent.openFlow.applied.length
  await agent.enter(withEndpoints(small(), webHere, mailHere))
  assert.equal(agent.openFlow.applied.length, before + 1)
  assert.ok((agent.openFlow.applied.at(-1)?.length ?? 0) > 1)
})

test('the address of the host comes on its port once the switch has made that', async (t) => {
  const agent = await startAgent(t, small())
  await agent.inForce()
  agent.host.addLink({ name: 'np-host', kind: 'tun' })
  await agent.lookUntil('its address', () => agent.host.facts().addresses.length > 0)
  assert.deepEqual(
    agent.host.facts().addresses.map(({ cidr }) => cidr),
    ['172.19.255.254/16'],
  )
})

test('a second pass over the same state changes nothing', async (t) => {
  const agent = await startAgent(t, small())
  await agent.inForce()
  await agent.pass(10_000)
  const [bundles, flows] = [agent.openFlow.applied.length, agent.flows()]
  agent.agent.lookAgain()
  await agent.pass(10_000)
  assert.equal(agent.openFlow.applied.length, bundles)
  assert.deepEqual(agent.flows(), flows)
})

test('an endpoint that goes takes its flows with it, then its port and link', async (t) => {
  const agent = await startAgent(t, withEndpoints(small(), webHere, mailHere))
  await agent.inForce()
  await agent.enter(withEndpoints({ ...small(), revision: 7 }, webHere))
  assert.equal(
    agent.flows().some((flow) => flow.includes('10.1.0.3')),
    false,
  )
  await agent.lookUntil(
    'port and link are gone',
    () => !agent.ports().includes(mail.portName) && agent.links().length === 2,
  )
  assert.deepEqual(agent.links(), [web.peerName, web.portName].sort())
})

test('an endpoint that came and went leaves everything as it was', async (t) => {
  const agent = await startAgent(t, small())
  await agent.inForce()
  await agent.pass(6_000)
  const before = [agent.flows(), agent.ports(), agent.links()]
  await agent.enter(withEndpoints({ ...small(), revision: 5 }, webHere, mailHere))
  assert.notDeepEqual([agent.flows(), agent.ports(), agent.links()], before)
  await agent.enter({ ...small(), revision: 8 })
  await agent.lookUntil('the link is gone', () => agent.links().length === 2)
  await agent.pass(6_000)
  assert.deepEqual([agent.flows(), agent.ports(), agent.links()], before)
})

test('nothing is removed before the whole state is known, everything unwanted after', async (t) => {
  const agent = await startAgent(t, withEndpoints(small(), webHere, mailHere))
  await agent.inForce()
  const flows = agent.flows().length
  agent.world.mayRemove = false
  await agent.enter(withEndpoints({ ...small(), revision: 7 }, webHere))
  await agent.pass(6_000)
  assert.equal(agent.flows().length, flows, 'flows stay')
  assert.ok(agent.ports().includes(mail.portName), 'the port stays')
  assert.ok(agent.links().includes(mail.portName), 'the link stays')
  agent.world.mayRemove = true
  agent.agent.lookAgain()
  await agent.lookUntil('all gone', () => agent.flows().length < flows && agent.links().length === 2)
  assert.equal(agent.ports().includes(mail.portName), false)
})

test('while nothing is known nothing is done, and the agent does not turn in circles', async (t) => {
  const agent = await startAgent(t, undefined)
  let looks = 0
  Object.defineProperty(agent.world, 'state', { get: () => void looks++, configurable: true })
  await agent.pass(10_000)
  assert.ok(looks <= 5, `looked ${looks} times in 10 s`)
  assert.deepEqual([agent.links(), agent.ports(), agent.passes], [[], [], []])
  Object.defineProperty(agent.world, 'state', { value: small(), writable: true })
  agent.agent.lookAgain()
  await agent.inForce()
})

test('a flow that was deleted or added by hand is put right within seconds', async (t) => {
  const agent = await startAgent(t, small())
  await agent.inForce()
  const flows = agent.flows()
  const [victim] = agent.inTable(0)
  assert.ok(victim !== undefined)
  agent.openFlow.commit([{ op: 'delete-flow', table: 0, priority: victim.priority, match: victim.match }])
  agent.openFlow.commit([{ op: 'add-flow', flow: { ...victim, priority: 7 } }])
  assert.notDeepEqual(agent.flows(), flows)
  await agent.lookUntil('put right', () => agent.flows().join() === flows.join())
})

test('flows of others are left alone', async (t) => {
  const agent = await startAgent(t, small())
  agent.openFlow.commit([
    { op: 'add-flow', flow: { table: 250, priority: 1, match: {}, cookie: 0x1234n, actions: [] } },
  ])
  await agent.inForce()
  await agent.pass(6_000)
  assert.ok(agent.openFlow.flows().some((flow) => flow.cookie === 0x1234n))
})

test('a port that was deleted by hand is made again at once', async (t) => {
  const agent = await startAgent(t, small())
  await agent.inForce()
  const port = [...agent.database.rows('Port').values()].find((row) => row.name === web.portName)
  assert.ok(port !== undefined)
  agent.database.transact([mutate('Bridge', [['name', '==', 'np-int']], [['ports', 'delete', [port._uuid]]])])
  assert.equal(agent.ports().includes(web.portName), false)
  await agent.lookUntil('made again', () => agent.ports().includes(web.portName))
})

test('bridges of others are left alone', async (t) => {
  const agent = await startAgent(t, undefined)
  agent.database.transact([
    insert('Interface', { name: 'theirs', type: 'internal' }, 'i'),
    insert('Port', { name: 'theirs', interfaces: [named('i')] }, 'p'),
    insert('Bridge', { name: 'theirs', ports: [named('p')] }, 'b'),
    mutate('Open_vSwitch', [], [['bridges', 'insert', [named('b')]]]),
  ])
  await agent.enter(small())
  await agent.pass(6_000)
  assert.ok(agent.ports().includes('theirs'))
})

test('before the cluster is known no port is admitted that was not, and nobody is told it was', async (t) => {
  const agent = await startAgent(t, small())
  await agent.inForce()
  agent.world.mayRemove = false
  agent.agent.lookAgain()
  await agent.pass(6_000)
  const waiting = agent.attachments.whenInForce('mail', AbortSignal.timeout(10_000))
  await agent.enter(withEndpoints({ ...small(), revision: 7 }, webHere, mailHere))
  await agent.lookUntil('its port', () => agent.ports().includes(mail.portName))
  const ofPort = [...agent.database.rows('Interface').values()].find((row) => row.name === mail.portName)?.ofport
  const admitted = () => agent.inTable(0).filter(inPort(Number(ofPort))).length > 0
  await agent.pass(1_000)
  assert.equal(admitted(), false)
  assert.ok(agent.attachments.hasWaiters)
  agent.world.mayRemove = true
  agent.agent.lookAgain()
  await agent.lookUntil('the pass after', admitted)
  await waiting
})

test('the connections of who had an address are forgotten before somebody else is admitted with it', async (t) => {
  const guarded = (revision: number, ...endpoints: readonly EndpointIntent[]): ClusterState => {
    const [group, rule] = [
      groupRecord({ key: 'default:web', network: 'net', policies: ['p'] }, 1),
      ruleRecord({ policy: 'default:p', id: 'a', direction: 'in', action: 'deny' }),
    ]
    const state = withEndpoints(small(), ...endpoints.map((endpoint) => ({ ...endpoint, group: 'web', groupId: 1 })))
    const objects = { ...state.objects, rule: new Map([['default:p:a', rule]]) }
    return { ...state, revision, groups: new Map([['default:web', group]]), objects }
  }
  const agent = await startAgent(t, guarded(6, webHere, mailHere))
  await agent.inForce()
  assert.deepEqual(agent.openFlow.flushedZones, [])
  const before = agent.openFlow.applied.length
  await agent.enter(guarded(7, webHere, { ...mailHere, id: 'heir', node: 'node2' }))
  assert.deepEqual(agent.openFlow.flushedZones, [1, 1, 0x8001, 0x8001], 'of policy, and of the way out')
  const ways = agent.openFlow.applied.slice(before).map((bundle) =>
    bundle.flatMap((step) => {
      const [table, op] =
        step.op === 'add-flow' ? [step.flow.table, 'comes'] : 'table' in step ? [step.table, 'goes'] : []
      return table === tableId('Forward') ? [op] : []
    }),
  )
  assert.deepEqual(ways, [['goes'], ['comes']], 'two bundles, and the flush between them')
})

test('a pass that more is wanted of already leaves it to the next to settle and to report, but not for ever', async (t) => {
  const agent = await startAgent(t, small())
  await agent.inForce()
  const entered = withEndpoints(small(), webHere, mailHere)
  let asked = 0
  // In the middle of each pass there is news.
  const busy = (passes: number, meanwhile = () => {}) =>
    Object.defineProperty(agent.world, 'mayRemove', {
      configurable: true,
      get: () => {
        if (++asked <= passes) agent.agent.lookAgain()
        meanwhile()
        return true
      },
    })
  busy(3)
  const before = agent.passes.length
  agent.world.state = entered
  agent.agent.lookAgain()
  while (agent.passes.length === before) await settle()
  assert.ok(asked > 3)
  assert.equal(agent.passes.length, before + 1)
  asked = 0
  busy(Number.POSITIVE_INFINITY, () => agent.clock.advance(10))
  agent.agent.lookAgain()
  await agent.lookUntil('reports all the same', () => agent.passes.length > before + 3)
  busy(0)
})
