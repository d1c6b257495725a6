import assert from 'node:assert/strict'
import { test } from 'node:test'
import { importsOf, impurities, violations } from './import-rules.ts'

const reasons = (from: string, to: string) => violations([{ from, to }]).map(({ reason }) => reason)

test('a layer may import what lies below it', () => {
  assert.deepEqual(reasons('drivers/switch/openvswitch.ts', 'core/plan/flows.ts'), [])
  assert.deepEqual(reasons('core/compile/node.ts', 'model/state.ts'), [])
  assert.deepEqual(reasons('lib/log.ts', 'pino'), [])
  assert.deepEqual(reasons('cmd/netlab.ts', 'netlab/main.ts'), [])
})

for (const [from, to, reason] of [
  ['lib/text-table.ts', 'model/state.ts', /downwards/],
  ['core/compile/node.ts', 'drivers/store/store.ts', /downwards/],
  ['netmaster/cluster.ts', 'netplugin/agent.ts', /downwards/],
  ['netplugin/agent.ts', 'netmaster/cluster.ts', /downwards/],
  ['model/network.ts', 'core/allocate/pool.ts', /downwards/],
  ['something-new/a.ts', 'lib/errors.ts', /downwards/],
  ['protocols/ovsdb/client.ts', 'protocols/openflow/codec.ts', /library of its own/],
  ['core/plan/flows.ts', 'node:fs', /pure/],
  ['model/tenant.ts', 'node:net', /pure/],
  ['core/plan/flows.ts', 'lib/clock.ts', /no clock/],
  ['netctl/main.ts', '../test/support/lab.ts', /stands alone/],
  ['netctl/main.ts', 'netctl/output.test.ts', /by tests alone/],
  ['protocols/ovsdb/index.ts', 'protocols/ovsdb/fake-server.ts', /by tests alone/],
  ['protocols/ovsdb/index.ts', 'protocols/ovsdb/ovsdb.contract.ts', /by tests alone/],
  ['core/plan/database.ts', 'core/plan/database-fixture.ts', /by tests alone/],
  ['netmaster/netmaster.ts', 'netmaster/testing-nodes.ts', /by tests alone/],
] as const) {
  test(`${from} may not import ${to}`, () => {
    assert.match(reasons(from, to).join('\n'), reason)
  })
}

test('tests and what serves them may import what they like', () => {
  for (const from of ['core/plan/database-fixture.ts', 'core/x.contract.ts', 'lib/fake-clock.ts', 'core/testing.ts'])
    assert.deepEqual(reasons(from, 'node:net').concat(reasons(from, '../test/support/cluster.ts')), [], from)
  assert.notDeepEqual(reasons('core/plan/fakery.ts', 'node:net'), [], 'only by its whole name')
  assert.notDeepEqual(reasons('core/plan/testimony.ts', 'node:net'), [])
})

test('every way of writing an import is found, and a comment is none', () => {
  const source = `
import a from './a.ts'
import type { B } from "../model/b.ts"
import './effect.ts'
export { c } from './c.ts'
import {
  d,
} from 'node:fs'
// import e from './e.ts'
/* import f from './f.ts' */
const g = await import('../lib/g.ts')
`
  assert.deepEqual(
    importsOf('core/x.ts', source).map(({ to }) => to),
    ['core/a.ts', 'model/b.ts', 'core/effect.ts', 'core/c.ts', 'node:fs', 'lib/g.ts'],
  )
})

test('the time of day in core is found, in a comment or elsewhere it is not', () => {
  assert.equal(impurities('core/x.ts', 'const now = Date.now()').length, 1)
  assert.equal(impurities('core/x.ts', '// Date.now() is forbidden').length, 0)
  assert.equal(impurities('drivers/x.ts', 'const now = Date.now()').length, 0)
})
