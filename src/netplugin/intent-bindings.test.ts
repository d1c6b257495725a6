import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RuntimeContainer } from '../drivers/runtime/runtime.ts'
import type { EndpointRecord } from '../model/state.ts'
import { planBindings } from './intent-bindings.ts'
import { attachedTo, intended, runningContainer } from './testing-intents.ts'

const refs = new Map([
  ['docker-net', { tenant: 'default', network: 'net', group: '' }],
  ['docker-group', { tenant: 'default', network: 'net', group: 'g' }],
  ['docker-blue', { tenant: 'blue', network: 'net', group: '' }],
])

/** What is to be done, as `kind endpoint container`. */
function steps(endpoints: readonly EndpointRecord[], ...containers: readonly RuntimeContainer[]): string[] {
  const running = new Map(containers.map((container) => [container.id, container]))
  return planBindings(endpoints, { node: 'node1', running, refOf: (id) => refs.get(id) }).map((step) =>
    [step.kind, step.endpoint.endpointId, ...(step.kind === 'release' ? [] : [step.container.id])].join(' '),
  )
}

const here = { node: 'node1', containerId: 'c1' }

test('an endpoint is claimed when a container of its name runs here', () => {
  assert.deepEqual(steps([intended()], runningContainer('c1')), ['claim net.default-web c1'])
  assert.deepEqual(steps([intended({ node: 'node1' })], runningContainer('c1')), ['claim net.default-web c1'])
  assert.deepEqual(steps([intended()], runningContainer('c1', { name: 'other' })), [])
  assert.deepEqual(steps([intended()]), [])
})

test('an endpoint of another node is not claimed', () => {
  assert.deepEqual(steps([intended({ node: 'node2' })], runningContainer('c1')), [])
  assert.deepEqual(steps([intended({ node: 'node2', containerId: 'c9' })], runningContainer('c1')), [])
})

test('nothing is to be done while the container that has the endpoint runs', () => {
  assert.deepEqual(steps([intended(here)], runningContainer('c1')), [])
})

test('an endpoint is released when its container does not run here any more, or is called otherwise', () => {
  assert.deepEqual(steps([intended(here)]), ['release net.default-web'])
  assert.deepEqual(steps([intended(here)], runningContainer('c1', { name: 'other' })), ['release net.default-web'])
})

test('an endpoint is released before another container of the name gets it', () => {
  assert.deepEqual(steps([intended(here)], runningContainer('c2')), ['release net.default-web'])
})

test('an endpoint for one container goes to that one, by its id, whatever its name', () => {
  const binding = { alias: '', host: '', attachUuid: 'c2aa' }
  const containers = [runningContainer('c1'), runningContainer('c2aabb', { name: 'pause' })]
  assert.deepEqual(steps([intended({ binding })], ...containers), ['claim net.default-web c2aabb'])
  assert.deepEqual(steps([intended({ binding })], runningContainer('c1')), [])
  assert.deepEqual(steps([intended({ binding, ...here })], ...containers), ['release net.default-web'])
})

test('a container may have several endpoints', () => {
  const second = intended({ endpointId: 'isle.default-web', networkName: 'isle', ipv4: '10.2.0.7' })
  assert.deepEqual(steps([intended(), second], runningContainer('c1')), [
    'claim net.default-web c1',
    'claim isle.default-web c1',
  ])
})

test("an endpoint takes the place of Docker's in the same network, before and after it was claimed", () => {
  for (const network of ['docker-net', 'docker-group']) {
    const container = runningContainer('c1', { attachments: [attachedTo(network)] })
    assert.deepEqual(steps([intended()], container), ['disconnect net.default-web c1'])
    assert.deepEqual(steps([intended(here)], container), ['disconnect net.default-web c1'])
  }
})

test('Docker networks that stand for other networks, or for none of ours, are left alone', () => {
  const attachments = [attachedTo('docker-blue'), attachedTo('bridge')]
  assert.deepEqual(steps([intended()], runningContainer('c1', { attachments })), ['claim net.default-web c1'])
})
