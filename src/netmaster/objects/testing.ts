// Steps against the public API's objects over HTTP, for the tests beside this file.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTestNetmaster, type TestNetmaster } from '../testing.ts'

/** [method, path, body, expected]: an object or list is the expected answer, a string the code of a refusal. */
export type Step = readonly [method: string, path: string, body: unknown, expected: unknown]

export async function play(netmaster: TestNetmaster, steps: readonly Step[]): Promise<void> {
  for (const [method, path, body, expected] of steps) {
    const where = `${method} ${path} ${JSON.stringify(body)}`
    if (typeof expected === 'string' && /^[A-Z0-9_]+$/.test(expected)) {
      assert.equal(await netmaster.refused(method, path, body), expected, where)
    } else assert.deepEqual(await netmaster.ok(method, path, body), expected, where)
  }
}

export function scenario(title: string, body: (netmaster: TestNetmaster) => Promise<void>): void {
  test(title, async () => {
    const netmaster = await startTestNetmaster()
    try {
      await body(netmaster)
    } finally {
      await netmaster.stop()
    }
  })
}

export const settings = {
  key: 'global',
  arpMode: 'proxy',
  fwdMode: 'routing',
  name: 'global',
  networkInfraType: 'default',
  pvtSubnet: '172.19.0.0/16',
  vlans: '1-4094',
  vxlans: '1-10000',
}
export const globals = '/api/v1/globals/global/'
export const tenantLink = { Tenant: { type: 'tenant', key: 'default' } }
export const x64 = 'x'.repeat(64)

export const network = (networkName: string, subnet: string, more: object = {}) => ({
  encap: 'vxlan',
  networkName,
  nwType: 'data',
  subnet,
  tenantName: 'default',
  'link-sets': {},
  links: { Tenant: {} },
  ...more,
})
export const networkPath = (name: string, tenant = 'default') => `/api/v1/networks/${tenant}:${name}/`
export const group = (groupName: string, networkName: string, more: object = {}) => ({
  groupName,
  networkName,
  tenantName: 'default',
  'link-sets': {},
  links: { AppProfile: {}, NetProfile: {}, Network: {}, Tenant: {} },
  ...more,
})
export const groupPath = (name: string, tenant = 'default') => `/api/v1/endpointGroups/${tenant}:${name}/`

/** [method, path, body, status, code]: a request that is refused. */
export type Refusal = readonly [method: string, path: string, body: unknown, status: number, code: string]

/** Each is refused as it says, with a text, and leaves the store as it was. */
export async function assertRefused(netmaster: TestNetmaster, refusals: readonly Refusal[]): Promise<void> {
  for (const [method, path, body, status, code] of refusals) {
    const where = `${method} ${path} ${JSON.stringify(body)}`
    const before = await netmaster.store.snapshot()
    const answer = await netmaster.request(method, path, body)
    const said: { code?: unknown; message?: unknown } = Object(answer.body)
    assert.deepEqual([answer.status, said.code], [status, code], `${where}: ${JSON.stringify(answer.body)}`)
    assert.match(String(said.message), /^\S.{10,}/, where)
    assert.deepEqual(await netmaster.store.snapshot(), before, where)
  }
}

export const tenantPath = (name: string) => `/api/v1/tenants/${name}/`
/** Path of an object that lies in tenant default, by its plural. */
export const objectPath = (plural: string, name: string, tenant = 'default') => `/api/v1/${plural}/${tenant}:${name}/`
/** Body of an object that lies in tenant default. */
export const inDefault = (names: object) => ({ tenantName: 'default', ...names })
