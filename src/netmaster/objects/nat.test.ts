// The way out of networks: on where it can be, refused where it cannot, and ports of hosts that lead in.

import assert from 'node:assert/strict'
import type { EndpointAnswer } from '../../model/plugin.ts'
import { network, networkPath, scenario } from './testing.ts'

const gateway = '10.1.1.254'
const web = (more: object = {}) => network('web', '10.1.1.0/24', { gateway, ...more })
const natOf = (view: unknown) => (view as { nat?: string }).nat

scenario('nat is on for VXLAN networks with a gateway, unless one says off', async (netmaster) => {
  assert.equal(natOf(await netmaster.ok('POST', networkPath('web'), web())), 'on')
  assert.equal(natOf(await netmaster.ok('POST', networkPath('web'), web({ nat: 'off' }))), 'off')
  assert.equal(natOf(await netmaster.ok('POST', networkPath('web'), web())), 'off', 'who says nothing changes nothing')
  assert.equal(natOf(await netmaster.ok('POST', networkPath('web'), web({ nat: 'on' }))), 'on')
  const isle = await netmaster.ok('POST', networkPath('isle'), network('isle', '10.2.0.0/24'))
  assert.equal(natOf(isle), undefined)
  const wire = network('wire', '10.3.0.0/24', { gateway: '10.3.0.254', encap: 'vlan' })
  assert.equal(natOf(await netmaster.ok('POST', networkPath('wire'), wire)), undefined)
})

scenario('it is refused where it cannot be', async (netmaster) => {
  for (const body of [
    network('web', '10.1.1.0/24', { nat: 'on' }),
    web({ encap: 'vlan', nat: 'on' }),
    network('web', '10.1.1.0/24', { nwType: 'infra', nat: 'on' }),
  ]) {
    assert.equal(await netmaster.refused('POST', networkPath('web'), body), 'NAT_IMPOSSIBLE')
  }
  assert.equal(await netmaster.refused('POST', networkPath('web'), web({ nat: 'perhaps' })), 'INVALID_BODY')
  await netmaster.ok('POST', networkPath('web'), web())
  const shut = network('web', '10.1.1.0/24', { nat: 'on' })
  assert.equal(await netmaster.refused('POST', networkPath('web'), shut), 'NAT_IMPOSSIBLE')
  await netmaster.ok('POST', networkPath('web'), network('web', '10.1.1.0/24'))
})

const port = (hostPort: number, more: object = {}) => ({
  protocol: 'tcp',
  hostAddress: '',
  hostPort,
  port: 80,
  ...more,
})

scenario('a port of a host leads to one container', async (netmaster) => {
  await netmaster.ok('POST', networkPath('web'), web())
  const made = [
    ['a', 'node1'],
    ['b', 'node1'],
    ['c', 'node2'],
  ] as const
  for (const [EndpointID, Node] of made) {
    const body = { TenantName: 'default', NetworkName: 'web', EndpointID, Node, ContainerName: `box-${EndpointID}` }
    await netmaster.ok('POST', '/plugin/createEndpoint', body)
  }
  const update = (EndpointID: string, ...Published: object[]) => ({ EndpointID, Published })
  const publish = async (id: string, ...ports: object[]) =>
    ((await netmaster.ok('POST', '/plugin/updateEndpoint', update(id, ...ports))) as EndpointAnswer).endpoint?.published
  const refused = (id: string, ...ports: object[]) =>
    netmaster.refused('POST', '/plugin/updateEndpoint', update(id, ...ports))
  assert.deepEqual(await publish('a', port(8080)), [port(8080)])
  assert.equal(await refused('b', port(8080)), 'PORT_TAKEN')
  assert.equal(await refused('b', port(8080, { hostAddress: '10.0.0.1' })), 'PORT_TAKEN')
  assert.equal(await refused('b', port(90), port(90, { hostAddress: '10.0.0.1' })), 'PORT_TWICE')
  assert.equal(await refused('b', port(0)), 'INVALID_BODY')
  assert.equal(await refused('b', port(90, { hostAddress: 'fd00::1' })), 'INVALID_BODY')
  await publish('b', port(8080, { protocol: 'udp' }), port(90, { hostAddress: '10.0.0.1' }))
  await publish('a', port(8080), port(90, { hostAddress: '10.0.0.2' }))
  await publish('c', port(8080))
  const inspected = (await netmaster.ok('GET', '/api/v1/inspect/endpoints/a/')) as { Oper: Record<string, unknown> }
  assert.deepEqual(inspected.Oper.publishedPorts, ['0.0.0.0:8080->80/tcp', '10.0.0.2:90->80/tcp'])
  await publish('a')
  await publish('b', port(8080))
  await netmaster.ok('POST', networkPath('web'), web({ nat: 'off' }))
  assert.equal(await refused('a', port(70)), 'NAT_OFF')
})
