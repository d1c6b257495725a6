// Requests of nodes that come late: after what the node asked for since, at whichever master (docs/adr/0038-late-requests.md).

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryStore } from '../drivers/store/index.ts'
import type { EndpointAnswer } from '../model/plugin.ts'
import { loseNodes } from './lost-nodes.ts'
import { startTestNetmaster, type TestNetmaster } from './testing.ts'
import { createBody } from './testing-nodes.ts'

/** Two masters of one store, a network `n`, and node1 in session 1. */
async function scenario(body: (one: TestNetmaster, two: TestNetmaster) => Promise<void>): Promise<void> {
  const store = new MemoryStore({ historyLimit: 10_000 }, { newEpoch: () => 'epoch-of-a-test' })
  const begin = (instance: string) => startTestNetmaster({ store: store.another(), instance, isShared: true })
  const [one, two] = [await begin('one'), await begin('two')]
  try {
    const network = { networkName: 'n', tenantName: 'default', subnet: '10.1.1.0/24' }
    await one.ok('POST', '/api/v1/networks/default:n/', network)
    await register(one, 1)
    await body(one, two)
  } finally {
    await one.stop()
    await two.stop()
  }
}

const register = (master: TestNetmaster, session: number, bootId = 'b1') =>
  master.ok('POST', '/internal/v1/nodes/node1/register', { vtep: '192.0.2.1', bootId, session })
const create = (master: TestNetmaster, id: string, Session: number) =>
  master.ok('POST', '/plugin/createEndpoint', createBody(id, { Session })) as Promise<EndpointAnswer>
const remove = (master: TestNetmaster, EndpointID: string, Session: number) =>
  master.ok('POST', '/plugin/deleteEndpoint', { EndpointID, Node: 'node1', Session, ReleaseAddresses: true })
const lateCreate = (master: TestNetmaster, id: string, Session: number) =>
  master.refused('POST', '/plugin/createEndpoint', createBody(id, { Session }))
const endpoints = async (master: TestNetmaster) => {
  await master.netmaster.cluster.fresh()
  return [...master.netmaster.cluster.view.endpoints.keys()].sort().join(' ')
}

test('a create that comes after the delete, at another master, brings nothing back', () =>
  scenario(async (one, two) => {
    // The first try of session 1 hung with the second master; the node asked the first one, and then deleted.
    await create(one, 'e', 2)
    await remove(one, 'e', 2)
    assert.equal(await lateCreate(two, 'e', 1), 'SESSION_OLD')
    assert.equal(await endpoints(two), '')
    assert.equal(two.netmaster.cluster.view.addresses('default:n').ownerOf('10.1.1.1'), undefined)
  }))

test('the same endpoint is made again at once', () =>
  scenario(async (one, two) => {
    await create(one, 'e', 1)
    await remove(two, 'e', 1)
    await create(one, 'e', 1)
    await remove(two, 'e', 2)
    const { endpoint } = await create(two, 'e', 2)
    assert.equal(endpoint?.ipv4, '10.1.1.1')
    assert.equal(await endpoints(one), 'e')
  }))

test('a delete that comes late does not take the endpoint that was made since', () =>
  scenario(async (one, two) => {
    await create(one, 'e', 1)
    await remove(one, 'e', 2)
    await create(one, 'e', 2)
    const late = { EndpointID: 'e', Node: 'node1', Session: 1 }
    assert.equal(await two.refused('POST', '/plugin/deleteEndpoint', late), 'SESSION_OLD')
    assert.equal(await endpoints(two), 'e')
  }))

test('a delete of what is not there yet keeps it from coming', () =>
  scenario(async (one, two) => {
    await remove(one, 'e', 2)
    assert.equal(await lateCreate(two, 'e', 1), 'SESSION_OLD')
  }))

test('what was refused the second time is not done by the first', () =>
  scenario(async (one, two) => {
    const again = createBody('e', { Session: 2, NetworkName: 'gone' })
    assert.equal(await one.refused('POST', '/plugin/createEndpoint', again), 'NETWORK_NOT_FOUND')
    assert.equal(await lateCreate(two, 'e', 1), 'SESSION_OLD')
  }))

test('a registration from before the machine was started anew takes nothing', () =>
  scenario(async (one, two) => {
    await register(one, 5, 'b2')
    await create(one, 'e', 5)
    const late = { vtep: '192.0.2.1', bootId: 'b1', session: 2 }
    assert.equal(await two.refused('POST', '/internal/v1/nodes/node1/register', late), 'SESSION_OLD')
    assert.equal(await endpoints(two), 'e')
  }))

test('a refusal says what is newest; losing and finding the host keep it', () =>
  scenario(async (one) => {
    await register(one, 7)
    await one.netmaster.cluster.transact((view) => loseNodes(view, ['node1'], 1))
    await one.ok('POST', '/internal/v1/nodes/node1/heartbeat', {})
    assert.equal(one.netmaster.cluster.view.nodes.get('node1')?.lost, undefined)
    const { body } = await one.request('POST', '/plugin/createEndpoint', createBody('e', { Session: 3 }))
    assert.deepEqual((body as { details: unknown }).details, { session: 7 })
  }))

test('of a node that was removed nothing comes late', () =>
  scenario(async (one, two) => {
    await create(one, 'e', 1)
    one.clock.advance(60_000)
    await one.ok('DELETE', '/internal/v1/nodes/node1')
    assert.equal(await lateCreate(two, 'e', 1), 'NODE_UNREGISTERED')
  }))

test('who numbers nothing is served as before', () =>
  scenario(async (one) => {
    await register(one, 9)
    await one.ok('POST', '/plugin/createEndpoint', createBody('e'))
    await one.ok('POST', '/internal/v1/nodes/node1/register', { vtep: '192.0.2.1', bootId: 'b1' })
    await create(one, 'f', 1)
    assert.equal(await endpoints(one), 'e f')
  }))
