import assert from 'node:assert/strict'
import { test } from 'node:test'
import { userspaceSettings as settings } from '../../test/support/node-settings.ts'
import { NodeCompiler } from '../core/compile/compile-node.ts'
import type { DesiredBridge } from '../core/plan/database.ts'
import { FakeHost } from '../drivers/host/fake.ts'
import type { ClusterState } from '../model/state.ts'
import { type Failures, LinksAndPortsMaker, type Wanted } from './links-and-ports.ts'
import { PortReserve } from './port-reserve.ts'
import { small, withEndpoints } from './testing.ts'

/** A maker between a fake host and a switch that takes whatever it is told; `asked` counts how often it was. */
function maker() {
  const host = new FakeHost({ hasKernelOpenVswitch: false })
  const made = new LinksAndPortsMaker({ host, reserve: new PortReserve({ size: 0, seed: 's' }) })
  const compiler = new NodeCompiler('node1')
  let known = { ofPorts: new Map<string, number>(), errors: new Map<string, string>() }
  const told: Failures[] = []
  const counts = { asked: 0 }
  const link = {
    ports: () => known,
    applyPorts: async ([bridge]: readonly DesiredBridge[]) => {
      counts.asked++
      const names = [...(bridge?.ports.keys() ?? [])]
      const same = names.length === known.ofPorts.size && names.every((name) => known.ofPorts.has(name))
      if (!same) known = { ...known, ofPorts: new Map(names.map((name, at) => [name, at + 1])) }
      return known
    },
  }
  const make = async (state: ClusterState, more: Partial<Wanted> = {}) => {
    const network = compiler.compile(state)
    const usual = { state, network, carried: network, settings, remove: true, audit: false, tidy: false }
    const wanted = { ...usual, onLinks: (failed: Failures) => void told.push(failed), ...more }
    return made.make(wanted, link, AbortSignal.timeout(5_000))
  }
  return { host, make, counts, told }
}

test('what was found to be right is not planned again, whatever else of the state has changed', async () => {
  const { make, counts, told } = maker()
  const state = small()
  await make(state)
  const right = await make(state)
  const before = counts.asked
  assert.equal(await make({ ...state, revision: state.revision + 1 }), right)
  assert.equal(counts.asked, before)
  assert.equal(told.length, 3, 'who waits is told each time')
})

test('another endpoint, other links, and an audit make it look again', async () => {
  const { host, make, counts } = maker()
  const state = small()
  await make(state)
  await make(state)
  const looks = async (what: string, one: () => Promise<unknown>) => {
    const before = counts.asked
    await one()
    assert.ok(counts.asked > before, what)
  }
  await looks('an audit', () => make(state, { audit: true }))
  await looks('what is tidied up', () => make(state, { tidy: true }))
  host.addLink({ name: 'eth9' })
  await looks('another link', () => make(state))
  await make(state)
  await looks('that nothing may be removed', () => make(state, { remove: false }))
  await make(state)
  const more = withEndpoints(state, { id: 'new', network: 'default:net', node: 'node1', ipv4: '10.1.0.9' })
  await looks('another endpoint', () => make(more))
  assert.equal((await make(more)).ports.ofPorts.size, 4)
})

test('links that could not be made are tried again each time', async () => {
  const { host, make, counts } = maker()
  const state = small()
  const [endpoint] = new NodeCompiler('node1').compile(state).local.values()
  const theirs = host.addLink({ name: endpoint?.portName ?? '', kind: 'dummy' })
  for (let pass = 1; pass <= 3; pass++) {
    assert.deepEqual([...(await make(state)).failed.keys()], [theirs.name])
    assert.equal(counts.asked, pass)
  }
  host.moveAway(theirs.name)
  assert.equal((await make(state)).failed.size, 0)
})
