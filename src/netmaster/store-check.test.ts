import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StoreEntry } from '../drivers/store/store.ts'
import { checkEntries } from './store-check.ts'
import { startTestNetmaster } from './testing.ts'

/** What a netmaster stored that was asked for some of everything. */
async function filled(): Promise<readonly StoreEntry[]> {
  const netmaster = await startTestNetmaster()
  try {
    const orange = { Name: 'orange', Endpoints: [{ Container: 'web', Host: 'host1' }, { Container: 'db' }] }
    await netmaster.ok('POST', '/desired-config', { Tenants: [{ Name: 'blue', Networks: [orange] }] })
    const network = { tenantName: 'default', networkName: 'n', subnet: '10.9.0.0/24', encap: 'vlan' }
    await netmaster.ok('POST', '/api/v1/networks/default:n/', network)
    const group = { tenantName: 'default', networkName: 'n', groupName: 'g' }
    await netmaster.ok('POST', '/api/v1/endpointGroups/default:g/', group)
    const service = {
      tenantName: 'default',
      serviceName: 's',
      networkName: 'n',
      selectors: ['a=b'],
      ports: ['80:80:TCP'],
    }
    await netmaster.ok('POST', '/api/v1/serviceLBs/default:s/', service)
    return (await netmaster.store.snapshot()).entries
  } finally {
    await netmaster.stop()
  }
}

const without = (entries: readonly StoreEntry[], key: string) => entries.filter((entry) => entry.key !== key)
const value = (entries: readonly StoreEntry[], key: string): Readonly<Record<string, unknown>> => {
  const found = entries.find((entry) => entry.key === key)?.value
  assert.ok(typeof found === 'object' && !Array.isArray(found), key)
  return found as Readonly<Record<string, unknown>>
}
const changed = (entries: readonly StoreEntry[], key: string, more: object): readonly StoreEntry[] => [
  ...without(entries, key),
  { key, value: { ...value(entries, key), ...more }, revision: 1 },
]
const found = (entries: readonly StoreEntry[]) => checkEntries(entries).map(({ key, problem }) => `${key} ${problem}`)

test('what netmaster stored fits together', async () => {
  assert.deepEqual(found(await filled()), [])
})

test('each thing that does not fit is found, with what to do', async () => {
  const entries = await filled()
  const web = 'record/endpoint/orange.blue-web'
  const db = 'record/endpoint/orange.blue-db'
  const { ipv4 } = value(entries, web)
  const address = `grant/address/blue:orange/${ipv4}`
  assert.match(
    found(changed(entries, db, { ipv4 })).join('\n'),
    /has address\/blue:orange\/.*, which record\/endpoint\/.* has too/,
  )
  assert.match(
    found(without(entries, address)).join('\n'),
    /^grant\/address\/blue:orange\/.* is not granted, and record\/endpoint\/orange/,
  )
  assert.match(found(without(entries, web)).join('\n'), /is granted to endpoint orange.blue-web, which is not there/)
  assert.match(
    found(changed(entries, address, { id: 'x' })).join('\n'),
    /is granted to endpoint x, and record\/endpoint/,
  )
  assert.match(found(without(entries, 'record/tenant/blue')).join('\n'), /names tenant blue, which is not there/)
  assert.match(found(without(entries, 'record/network/default:n')).join('\n'), /service.* names network default:n/)
  assert.match(
    found(changed(entries, 'record/group/default:g', { groupName: 'h' })).join('\n'),
    /is the record of default:h/,
  )
  const odd = { key: 'record/dragon/x', value: 1, revision: 1 }
  assert.match(found([...entries, odd]).join('\n'), /record\/dragon\/x .*cannot read/)
  assert.match(found([...entries, { ...odd, key: 'else/x' }]).join('\n'), /else\/x is nothing that this version knows/)
  for (const { advice } of checkEntries(without(entries, web))) assert.ok(advice.length > 10)
})

test('repairs of grants put all of them right', async () => {
  const entries = await filled()
  const { ipv4 } = value(entries, 'record/endpoint/orange.blue-db')
  const broken = without(without(entries, 'record/endpoint/orange.blue-web'), `grant/address/blue:orange/${ipv4}`)
  const repairs = checkEntries(broken).flatMap(({ repair }) => (repair === undefined ? [] : [repair]))
  assert.equal(repairs.length, 2)
  const put = repairs.flatMap(({ key, value: to }) => (to === null ? [] : [{ key, value: to, revision: 2 }]))
  const keys = new Set(repairs.map(({ key }) => key))
  assert.deepEqual(found([...broken.filter(({ key }) => !keys.has(key)), ...put]), [])
})
