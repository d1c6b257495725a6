// Hosts that fall silent: lost, found again, dead, started anew, removed.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { NodeView } from '../model/node.ts'
import { startTestNetmaster, type TestNetmaster } from './testing.ts'
import { create, createBody } from './testing-nodes.ts'

const loss = { lostAfterMs: 30_000, deadAfterMs: 600_000 }

/** A network `n`, node1 to node3 with an endpoint each; `pass` lets seconds go by, in which some nodes are heard. */
async function scenario(
  body: (netmaster: TestNetmaster, pass: (seconds: number, heard: readonly string[]) => Promise<void>) => Promise<void>,
): Promise<void> {
  const netmaster = await startTestNetmaster({ loss })
  const pass = async (seconds: number, heard: readonly string[]) => {
    for (let second = 0; second < seconds; second++) {
      netmaster.clock.advance(1_000)
      for (let turns = 0; turns < 6; turns++) await nextTurn()
      for (const node of heard) await netmaster.ok('POST', `/internal/v1/nodes/${node}/heartbeat`, { bootId: 'b1' })
    }
  }
  try {
    await netmaster.netmaster.start({ host: '127.0.0.1', port: 0 })
    const network = { networkName: 'n', tenantName: 'default', subnet: '10.1.1.0/24' }
    await netmaster.ok('POST', '/api/v1/networks/default:n/', network)
    for (const node of ['node1', 'node2', 'node3']) {
      await register(netmaster, node)
      await create(netmaster, `e-${node}`, { Node: node })
    }
    await body(netmaster, pass)
  } finally {
    await netmaster.stop()
  }
}

const register = (netmaster: TestNetmaster, node: string, more: object = {}) =>
  netmaster.ok('POST', `/internal/v1/nodes/${node}/register`, { vtep: `192.0.2.${node.at(-1)}`, bootId: 'b1', ...more })

const states = async (netmaster: TestNetmaster) =>
  ((await netmaster.ok('GET', '/internal/v1/nodes')) as NodeView[]).map(({ state }) => state).join(' ')

const endpoints = ({ netmaster }: TestNetmaster) => [...netmaster.cluster.view.endpoints.keys()].sort()
const ownerOf = ({ netmaster }: TestNetmaster, address: string) =>
  netmaster.cluster.view.addresses('default:n').ownerOf(address)

test('a silent host is lost after its time, keeps what it has, and is found when it is heard', () =>
  scenario(async (netmaster, pass) => {
    await pass(20, ['node1', 'node2'])
    assert.equal(await states(netmaster), 'lives lives silent')
    await pass(12, ['node1', 'node2'])
    assert.equal(await states(netmaster), 'lives lives lost')
    assert.equal(netmaster.netmaster.cluster.view.nodes.get('node3')?.lost !== undefined, true)
    assert.equal(endpoints(netmaster).length, 3)
    // Its address is nobody else's.
    assert.equal(
      await netmaster.refused('POST', '/plugin/createEndpoint', createBody('thief', {}, '10.1.1.3')),
      'ADDRESS_IN_USE',
    )
    await netmaster.ok('POST', '/internal/v1/nodes/node3/heartbeat', { bootId: 'b1' })
    assert.equal(await states(netmaster), 'lives lives lives')
    assert.equal(netmaster.netmaster.cluster.view.nodes.get('node3')?.lost, undefined)
  }))

test('a lost host that stays away is taken for dead: its addresses are free', () =>
  scenario(async (netmaster, pass) => {
    await pass(32, ['node1', 'node2'])
    await pass(602, ['node1', 'node2'])
    assert.equal(await states(netmaster), 'lives lives dead')
    assert.deepEqual(endpoints(netmaster), ['e-node1', 'e-node2'])
    assert.equal(ownerOf(netmaster, '10.1.1.3'), undefined)
    // It comes back with nothing.
    await register(netmaster, 'node3')
    assert.equal(await states(netmaster), 'lives lives lives')
    assert.deepEqual(endpoints(netmaster), ['e-node1', 'e-node2'])
  }))

test('where nobody is heard the fault is here: nobody is lost', () =>
  scenario(async (netmaster, pass) => {
    await pass(60, [])
    assert.equal(await states(netmaster), 'silent silent silent')
    // Once somebody is heard, the others are lost, who had their time.
    await pass(3, ['node1'])
    assert.equal(await states(netmaster), 'lives lost lost')
  }))

test('a netmaster that was itself away does not hold the silence against anybody', () =>
  scenario(async (netmaster, pass) => {
    await pass(5, ['node1', 'node2', 'node3'])
    netmaster.clock.advance(120_000)
    await pass(1, ['node1'])
    await pass(20, ['node1'])
    assert.equal(await states(netmaster), 'lives silent silent')
    await pass(12, ['node1'])
    assert.equal(await states(netmaster), 'lives lost lost')
  }))

test('a host that was started anew has none of its former containers', () =>
  scenario(async (netmaster) => {
    await register(netmaster, 'node2')
    assert.equal(endpoints(netmaster).length, 3, 'its agent was started anew, no more')
    await register(netmaster, 'node2', { bootId: 'b2' })
    assert.deepEqual(endpoints(netmaster), ['e-node1', 'e-node3'])
    assert.equal(ownerOf(netmaster, '10.1.1.2'), undefined)
  }))

test('two machines of one name do not take each other for dead', () =>
  scenario(async (netmaster, pass) => {
    const another = { vtep: '192.0.2.77', bootId: 'b7' }
    const path = '/internal/v1/nodes/node2/register'
    assert.equal(await netmaster.refused('POST', path, another), 'NODE_NAME_TAKEN')
    assert.equal(endpoints(netmaster).length, 3)
    await pass(16, ['node1'])
    await netmaster.ok('POST', path, another)
    assert.deepEqual(endpoints(netmaster), ['e-node1', 'e-node3'])
  }))

test('an operator who knows that a host is gone removes it, but not while it lives', () =>
  scenario(async (netmaster, pass) => {
    assert.equal(await netmaster.refused('DELETE', '/internal/v1/nodes/node3'), 'NODE_LIVES')
    await pass(16, ['node1', 'node2'])
    assert.deepEqual(await netmaster.ok('DELETE', '/internal/v1/nodes/node3'), { removed: ['e-node3'] })
    assert.equal(await states(netmaster), 'lives lives')
    assert.equal(ownerOf(netmaster, '10.1.1.3'), undefined)
    assert.equal(await netmaster.refused('DELETE', '/internal/v1/nodes/node3'), 'NODE_NOT_FOUND')
    assert.equal(
      await netmaster.refused('POST', '/internal/v1/nodes/node3/heartbeat', { bootId: 'b1' }),
      'NODE_NOT_FOUND',
    )
  }))
