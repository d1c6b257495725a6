// What nodes ask for, for the tests of addresses and endpoints: each scenario has a network `n`.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EndpointAnswer } from '../model/plugin.ts'
import type { EndpointRecord } from '../model/state.ts'
import { startTestNetmaster, type TestNetmaster } from './testing.ts'

export function scenario(
  title: string,
  body: (netmaster: TestNetmaster) => Promise<void>,
  subnet = '10.1.1.0/24',
  more: object = {},
): void {
  test(title, async () => {
    const netmaster = await startTestNetmaster()
    try {
      const network = { networkName: 'n', tenantName: 'default', subnet, ...more }
      await netmaster.ok('POST', '/api/v1/networks/default:n/', network)
      await body(netmaster)
    } finally {
      await netmaster.stop()
    }
  })
}

export const createBody = (id: string, more: object = {}, ip = '') => ({
  TenantName: 'default',
  NetworkName: 'n',
  EndpointID: id,
  Node: 'node1',
  ConfigEP: { IPAddress: ip },
  ...more,
})

export async function create(
  netmaster: TestNetmaster,
  id: string,
  more: object = {},
  ip = '',
): Promise<EndpointRecord> {
  const { endpoint } = (await netmaster.ok(
    'POST',
    '/plugin/createEndpoint',
    createBody(id, more, ip),
  )) as EndpointAnswer
  assert.ok(endpoint !== null)
  return endpoint
}

export const alloc = async (netmaster: TestNetmaster, more: object = {}) => {
  const body = { NetworkID: 'n.default', Node: 'node1', ...more }
  const answer = (await netmaster.ok('POST', '/plugin/allocAddress', body)) as Record<string, string>
  return answer.IPv4Address || answer.IPv6Address
}

export const release = async (netmaster: TestNetmaster, IPv4Address: string, more: object = {}) => {
  const body = { NetworkID: 'n.default', IPv4Address, Node: 'node1', ...more }
  return ((await netmaster.ok('POST', '/plugin/releaseAddress', body)) as { released: boolean }).released
}

export const remove = (netmaster: TestNetmaster, EndpointID: string, more: object = {}) =>
  netmaster.ok('POST', '/plugin/deleteEndpoint', { EndpointID, Node: 'node1', ...more })

export async function ranges(
  netmaster: TestNetmaster,
  path = 'networks/default:n',
): Promise<readonly [string, string]> {
  const { Oper } = (await netmaster.ok('GET', `/api/v1/inspect/${path}/`)) as { Oper: Record<string, string> }
  return [Oper.allocatedIPAddresses ?? '', Oper.availableIPAddresses ?? '']
}

export const makeGroup = (netmaster: TestNetmaster, groupName: string, ipPool = '') =>
  netmaster.ok('POST', `/api/v1/endpointGroups/default:${groupName}/`, {
    groupName,
    networkName: 'n',
    tenantName: 'default',
    ipPool,
  })
