import assert from 'node:assert/strict'
import { test } from 'node:test'
import { aciGwBody } from './aci-gw.ts'
import { isProblem, parseBody } from './body.ts'

test('a long list of bindings that goes wrong at its end is refused as fast as any other', () => {
  const pathBindings = `${Array.from({ length: 40 }, () => 'topology/pod-1/paths-1/pathep-[eth1/1]').join(',')},x`
  const started = performance.now()
  assert.ok(isProblem(parseBody(aciGwBody, { name: 'aciGw', physicalDomain: 'dom', pathBindings })))
  assert.ok(performance.now() - started < 1_000)
})
