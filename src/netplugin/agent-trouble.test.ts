// Passes that fail: what is told, what is kept, and how it goes on.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { portNames } from '../core/compile/compile-node.ts'
import { NetpluginError } from '../lib/errors.ts'
import { small, withEndpoints } from './testing.ts'
import { startAgent } from './testing-agent.ts'

const web = portNames('web')
const mail = portNames('mail')
const webHere = { id: 'web', network: 'default:net', node: 'node1', ipv4: '10.1.0.1' }
const mailHere = { id: 'mail', network: 'default:net', node: 'node1', ipv4: '10.1.0.3' }
const dbThere = { id: 'db', network: 'default:net', node: 'node2', ipv4: '10.1.0.2' }
const bounded = () => AbortSignal.timeout(10_000)

test('a pass that fails is tried again, is said once, and succeeds when it can', async (t) => {
  const agent = await startAgent(t, small())
  await agent.inForce()
  agent.world.fault = new NetpluginError('not-found', 'UPLINK_MISSING', 'there is no interface eth7')
  agent.world.state = withEndpoints(small(), webHere, mailHere)
  agent.agent.lookAgain()
  await agent.pass(5_000)
  const complaints = agent.lines.filter(({ phrase }) => phrase === 'pass failed, will try again')
  assert.deepEqual(
    complaints.map(({ fields }) => fields.code),
    ['UPLINK_MISSING'],
  )
  assert.equal(agent.attachments.lastError, 'there is no interface eth7')
  agent.world.fault = undefined
  await agent.lookUntil('in force', () => agent.passes.at(-1)?.local.length === 2)
  assert.equal(agent.attachments.lastError, '')
})

test('what runs goes on running while passes fail', async (t) => {
  const agent = await startAgent(t, small())
  await agent.inForce()
  const flows = agent.flows()
  agent.world.fault = new Error('no')
  agent.world.state = withEndpoints(small())
  agent.agent.lookAgain()
  await agent.pass(6_000)
  assert.deepEqual(agent.flows(), flows)
})

test('flows that somebody else changes, adds or takes are as before a moment later, and it is said', async (t) => {
  const agent = await startAgent(t, small())
  await agent.inForce()
  const flows = agent.flows()
  const [first] = agent.openFlow.flows()
  assert.ok(first !== undefined)
  for (const foreign of [
    { op: 'add-flow', flow: { ...first, actions: [], goto: 60 } },
    { op: 'add-flow', flow: { ...first, priority: first.priority + 1 } },
    { op: 'delete-flow', ...first },
  ] as const) {
    const before = agent.clock.now()
    agent.openFlow.commit([foreign])
    assert.notDeepEqual(agent.flows(), flows)
    await agent.lookUntil('flows as before', () => agent.flows().join() === flows.join())
    assert.ok(agent.clock.now() - before <= 2_000)
  }
  assert.ok(agent.lines.some(({ phrase }) => phrase === 'flows were changed by somebody else'))
})

test('who attaches while Open vSwitch refuses flows hears why', async (t) => {
  const agent = await startAgent(t, undefined)
  agent.openFlow.refuseWhen((change) => (change.op === 'add-flow' ? 'OFPFMFC_TABLE_FULL' : undefined))
  agent.world.state = small()
  agent.agent.lookAgain()
  await agent.lookUntil('a failure', () => agent.attachments.lastError !== '')
  await assert.rejects(agent.attachments.whenInForce('web', AbortSignal.timeout(5)), {
    code: 'ATTACH_TIMEOUT',
    message: /TABLE_FULL/,
  })
  assert.deepEqual(agent.flows(), [], 'all or nothing')
  agent.openFlow.refuseWhen(() => undefined)
  await agent.inForce()
})

test('a port that the switch refuses fails its endpoint, and no other', async (t) => {
  const agent = await startAgent(t, undefined)
  // The veth is there and then not: somebody else removed it just before the switch looked.
  const hidden = agent.host.facts
  agent.host.facts = function facts() {
    const { links, ...rest } = hidden.call(this)
    return { ...rest, links: new Map([...links].filter(([name]) => name !== mail.portName)) }
  }
  agent.host.apply = (steps) => steps.map((step) => ({ step, error: undefined }))
  agent.host.addLink({ name: web.portName, kind: 'veth', alias: 'netplugin:web', mtu: 1550, up: true })
  agent.world.state = withEndpoints(small(), webHere, mailHere)
  const failed = agent.attachments.whenInForce('mail', bounded())
  agent.agent.lookAgain()
  await assert.rejects(failed, { code: 'PORT_REFUSED', message: /No such device/ })
  await agent.attachments.whenInForce('web', bounded())
})

test('a link of somebody else in the place of ours fails the endpoint, and is no port', async (t) => {
  const agent = await startAgent(t, undefined)
  agent.host.addLink({ name: mail.portName, kind: 'dummy', alias: 'theirs' })
  agent.world.state = withEndpoints(small(), webHere, mailHere)
  const failed = agent.attachments.whenInForce('mail', bounded())
  agent.agent.lookAgain()
  await assert.rejects(failed, { code: 'PORT_REFUSED', message: /exists already/ })
  assert.equal(agent.ports().includes(mail.portName), false)
  assert.equal(agent.host.facts().links.get(mail.portName)?.alias, 'theirs')
  await agent.attachments.whenInForce('web', bounded())
})

test('after the switch restarted all flows are there again', async (t) => {
  const agent = await startAgent(t, small())
  await agent.inForce()
  const flows = agent.flows()
  agent.openFlow.restart()
  assert.deepEqual(agent.flows(), [])
  await agent.lookUntil('all flows', () => agent.flows().length === flows.length)
  assert.deepEqual(agent.flows(), flows)
})

test('after the database went away a new session begins, and the flows are untouched', async (t) => {
  const agent = await startAgent(t, small())
  await agent.inForce()
  const [flows, bundles] = [agent.flows(), agent.openFlow.applied.length]
  agent.database.disconnectAll()
  await agent.lookUntil('a second session', () => sessions(agent.lines) === 2)
  await agent.enter(withEndpoints({ ...small(), revision: 3 }, webHere, dbThere, mailHere))
  assert.ok(agent.ports().includes(mail.portName))
  assert.ok(flows.every((flow) => agent.flows().includes(flow)))
  assert.equal(agent.openFlow.applied.length, bundles + 1, 'one bundle for the new endpoint alone')
})

test('while Open vSwitch is away the agent waits for it', async (t) => {
  const agent = await startAgent(t, small())
  agent.database.intercept = () => 'disconnect'
  agent.openFlow.cut()
  agent.database.disconnectAll()
  await agent.pass(5_000)
  agent.database.intercept = () => undefined
  await agent.enter(withEndpoints({ ...small(), revision: 3 }, webHere, mailHere))
  await agent.attachments.whenInForce('mail', bounded())
})

test('a node whose tunnel address changed has it in force before netmaster knows', async (t) => {
  const state = small()
  const nodes = new Map(state.nodes).set('node1', { ...state.nodes.get('node1')!, vtep: '' })
  const agent = await startAgent(t, { ...state, nodes })
  await agent.inForce()
  assert.ok(agent.ports().includes('np-vxlan'))
})

test('an agent that ends leaves everything in force', async (t) => {
  const agent = await startAgent(t, small())
  await agent.inForce()
  const flows = agent.flows()
  await agent.run.stop()
  assert.deepEqual(agent.flows(), flows)
  assert.ok(agent.links().includes(web.portName))
})

function sessions(lines: readonly { readonly phrase: string }[]): number {
  return lines.filter(({ phrase }) => phrase === 'connected to Open vSwitch').length
}
