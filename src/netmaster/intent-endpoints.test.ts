// What a node and a user do with the endpoints of intents: claim, release, attach, detach.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EndpointState } from '../model/intent-answer.ts'
import { startTestNetmaster, type TestNetmaster } from './testing.ts'

const id = 'orange.blue-web'
const first = 'a'.repeat(64)
const second = 'b'.repeat(64)

function story(title: string, endpoint: object, body: (netmaster: TestNetmaster) => Promise<void>): void {
  test(title, async () => {
    const netmaster = await startTestNetmaster()
    try {
      const orange = { Name: 'orange', Endpoints: [{ Container: 'web', ...endpoint }, { Container: 'db' }] }
      await netmaster.ok('POST', '/desired-config', { Tenants: [{ Name: 'blue', Networks: [orange] }] })
      await body(netmaster)
    } finally {
      await netmaster.stop()
    }
  })
}

const claim = (Host: string, AttachUUID = first) => ({
  EndpointID: id,
  ConfigEP: { Container: 'web', Host, AttachUUID },
  Node: Host,
})

/** `host container address`, as it is stored. */
async function stored(netmaster: TestNetmaster, key = id): Promise<string> {
  const state = (await netmaster.ok('GET', `/endpoint/${key}`)) as EndpointState
  return `${state.homingHost} ${state.containerId.slice(0, 3)} ${state.ipAddress}`.trim()
}

story('a container that starts claims its endpoint, and finds it again after it died', {}, async (netmaster) => {
  const { endpoint } = (await netmaster.ok('POST', '/plugin/createEndpoint', claim('host1'))) as { endpoint: object }
  assert.equal(Reflect.get(endpoint, 'node'), 'host1')
  assert.equal(Reflect.get(endpoint, 'ipv4'), '10.1.0.1')
  assert.equal(Reflect.get(endpoint, 'mac'), '02:02:0a:01:00:01')
  const revision = netmaster.netmaster.cluster.revision
  await netmaster.ok('POST', '/plugin/createEndpoint', claim('host1'))
  assert.equal(netmaster.netmaster.cluster.revision, revision, 'the same claim again changes nothing')
  const die = { EndpointID: id, Event: 'die', Node: 'host1', ContainerID: first }
  await netmaster.ok('POST', '/plugin/updateEndpoint', die)
  assert.equal(await stored(netmaster), '10.1.0.1')
  await netmaster.ok('POST', '/plugin/createEndpoint', claim('host2', second))
  assert.equal(await stored(netmaster), 'host2 bbb 10.1.0.1')
  await netmaster.ok('POST', '/plugin/updateEndpoint', { ...die, Node: 'host2' })
  assert.equal(await stored(netmaster), 'host2 bbb 10.1.0.1', 'the death of the former container is no news')
  await netmaster.ok('POST', '/plugin/updateEndpoint', die)
  assert.equal(await stored(netmaster), 'host2 bbb 10.1.0.1', 'nor is what its former host says')
})

story('who has a living container keeps the endpoint', {}, async (netmaster) => {
  await netmaster.ok('POST', '/plugin/createEndpoint', claim('host1'))
  assert.equal(await netmaster.refused('POST', '/plugin/createEndpoint', claim('host2', second)), 'ENDPOINT_ELSEWHERE')
  await netmaster.ok('POST', '/plugin/createEndpoint', claim('host1', second))
  assert.equal(await stored(netmaster), 'host1 bbb 10.1.0.1', 'a new container of the name on the same host takes over')
})

story(
  'a bound endpoint waits for its host and its container',
  { Host: 'host1', AttachUUID: 'aaa' },
  async (netmaster) => {
    assert.equal(await stored(netmaster), 'host1  10.1.0.1')
    assert.equal(await netmaster.refused('POST', '/plugin/createEndpoint', claim('host2')), 'ENDPOINT_ELSEWHERE')
    const wrong = claim('host1', second)
    assert.equal(await netmaster.refused('POST', '/plugin/createEndpoint', wrong), 'ENDPOINT_OF_OTHER_CONTAINER')
    await netmaster.ok('POST', '/plugin/createEndpoint', claim('host1'))
    await netmaster.ok('POST', '/plugin/updateEndpoint', { EndpointID: id, Event: 'die', Node: 'host1' })
    assert.equal(await stored(netmaster), 'host1  10.1.0.1')
  },
)

story('a node that deletes an endpoint of an intent only lets it go', {}, async (netmaster) => {
  await netmaster.ok('POST', '/plugin/createEndpoint', claim('host1'))
  await netmaster.ok('POST', '/plugin/deleteEndpoint', { EndpointID: id, Node: 'host1', ReleaseAddresses: true })
  assert.equal(await stored(netmaster), '10.1.0.1')
  await netmaster.ok('POST', '/plugin/createEndpoint', claim('host1'))
  assert.deepEqual(await netmaster.ok('DELETE', '/debug/epcleanup/tenant/blue/ep/web'), { removed: [id] })
  assert.equal(await stored(netmaster), '10.1.0.1')
})

story('an endpoint whose intent went is not made by a claim that comes late', {}, async (netmaster) => {
  await netmaster.ok('DELETE', `/endpoint/${id}`)
  const late = { ...claim('host1'), TenantName: 'blue', NetworkName: 'orange' }
  assert.equal(await netmaster.refused('POST', '/plugin/createEndpoint', late), 'INTENT_GONE')
  assert.equal(await netmaster.refused('GET', `/endpoint/${id}`), 'ENDPOINT_NOT_FOUND')
})

story('a claim without a container is refused', {}, async (netmaster) => {
  assert.equal(await netmaster.refused('POST', '/plugin/createEndpoint', claim('host1', '')), 'CONTAINER_MISSING')
})

story('a living container loses the endpoint that is bound to another host', {}, async (netmaster) => {
  await netmaster.ok('POST', '/plugin/createEndpoint', claim('host1'))
  await netmaster.ok('POST', '/host-bindings-config', [{ Container: 'web', Host: 'host1' }])
  assert.equal(await stored(netmaster), 'host1 aaa 10.1.0.1')
  await netmaster.ok('POST', '/host-bindings-config', [{ Container: 'web', Host: 'host2' }])
  assert.equal(await stored(netmaster), 'host2  10.1.0.1')
})

story('endpoints are attached and detached by hand', {}, async (netmaster) => {
  const detach = `/endpoint/${id}/detach`
  const attach = `/endpoint/${id}/attach`
  assert.equal(await netmaster.refused('POST', detach, { Container: 'other' }), 'ENDPOINT_OF_OTHER_CONTAINER')
  await netmaster.ok('POST', detach, { Container: 'web' })
  assert.equal(await netmaster.refused('GET', '/endpoint/web'), 'ENDPOINT_NOT_FOUND')
  assert.equal(await netmaster.refused('POST', attach, {}), 'CONTAINER_MISSING')
  assert.equal(await netmaster.refused('POST', attach, { Container: 'db' }), 'CONTAINER_HAS_ENDPOINT')
  await netmaster.ok('POST', attach, { Container: 'mail', AttachUUID: 'bbb', Host: 'host1' })
  assert.equal(await stored(netmaster, 'mail'), 'host1  10.1.0.1')
  await netmaster.ok('POST', '/plugin/createEndpoint', claim('host1', second))
  assert.equal(await netmaster.refused('POST', attach, { Container: 'web' }), 'ENDPOINT_ATTACHED')
})

story('only endpoints of intents are changed by hand', {}, async (netmaster) => {
  const body = { EndpointID: 'e1', TenantName: 'blue', NetworkName: 'orange', Node: 'host1' }
  await netmaster.ok('POST', '/plugin/createEndpoint', body)
  for (const path of ['attach', 'detach']) {
    assert.equal(await netmaster.refused('POST', `/endpoint/e1/${path}`, { Container: 'web' }), 'NOT_OF_INTENT')
  }
  assert.equal(await netmaster.refused('DELETE', '/endpoint/e1'), 'NOT_OF_INTENT')
})

story('two endpoints of one container are told apart by their ids', {}, async (netmaster) => {
  const purple = { Name: 'purple', Endpoints: [{ Container: 'web', ID: 'second' }] }
  await netmaster.ok('POST', '/add-config', { Tenants: [{ Name: 'blue', Networks: [purple] }] })
  assert.equal(await netmaster.refused('GET', '/endpoint/web'), 'ENDPOINT_AMBIGUOUS')
  assert.equal(await stored(netmaster, 'second'), '10.1.1.1')
})
