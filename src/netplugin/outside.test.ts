// The loop that keeps the kernel's table: after passes, now and then, and what it says when it cannot.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { NodeCompiler } from '../core/compile/compile-node.ts'
import { FakeHost } from '../drivers/host/fake.ts'
import { NetpluginError } from '../lib/errors.ts'
import { FakeClock } from '../lib/fake-clock.ts'
import type { ClusterState } from '../model/state.ts'
import { Outside } from './outside.ts'
import { background, recordingLog, settle, small, untilTime } from './testing.ts'

function start(t: TestContext, { netmaster = 'http://netmaster:9999' } = {}) {
  const clock = new FakeClock()
  const { log, said } = recordingLog()
  const host = new FakeHost({ hasKernelOpenVswitch: false })
  const world = { mayRemove: true, fault: undefined as Error | undefined, known: ['10.9.9.9'] }
  const tables: (string | undefined)[] = []
  const outside = new Outside(
    { subnet: '198.18.0.0/16' },
    {
      netmasters: () => netmaster.split(','),
      firewall: {
        keep: async (table) => {
          if (world.fault !== undefined) throw world.fault
          tables.push(table)
          return []
        },
      },
      host,
      clock,
      log,
      mayRemove: () => world.mayRemove,
      resolve: async () => world.known,
    },
  )
  background(t, (signal) => outside.run(signal))
  const passed = (state: ClusterState, ports: readonly string[] = ['np-outside']) => {
    const network = new NodeCompiler('node1').compile(state)
    outside.passed({ state, network, ofPorts: new Map(ports.map((name, index) => [name, index + 1])) })
  }
  const until = (what: string, fact: () => boolean) => untilTime(what, clock, 100, fact)
  return { clock, world, tables, outside, passed, until, said }
}

const shut = () => ({ ...small(), networks: new Map([...small().networks].filter(([key]) => key !== 'default:net')) })
const soon = () => AbortSignal.timeout(5_000)

test('the table follows each pass, and is looked after in between', async (t) => {
  const { passed, tables, until, outside } = start(t)
  passed(small())
  await outside.whenInForce(1, soon())
  assert.match(tables[0] ?? '', /ip daddr 10\.9\.9\.9 tcp dport 9999 drop/)
  await until('a look without a pass', () => tables.length > 1)
  assert.equal(tables[1], tables[0])
})

test('the kernel is not asked again when a pass wants nothing else of it', async (t) => {
  const { passed, tables, outside } = start(t)
  passed(small())
  await outside.whenInForce(1, soon())
  passed({ ...small(), revision: 2 })
  await outside.whenInForce(2, soon())
  assert.equal(tables.length, 1)
})

test('where nothing leads out there is no table, once it is known that nothing does', async (t) => {
  const { passed, tables, until, world } = start(t)
  world.mayRemove = false
  passed(shut())
  await settle()
  assert.deepEqual(tables, [])
  world.mayRemove = true
  await until('its removal', () => tables.length > 0)
  assert.equal(tables[0], undefined)
})

test('netmaster is known by its address too, and a name that nobody knows is left out', async (t) => {
  const { passed, tables, outside } = start(t, { netmaster: 'https://10.0.0.7' })
  passed(small())
  await outside.whenInForce(1, soon())
  assert.match(tables[0] ?? '', /ip daddr 10\.0\.0\.7 tcp dport 443 drop/)
})

test('what the kernel refuses is said once, told to who waits, and tried again', async (t) => {
  const { passed, tables, until, outside, world, said } = start(t)
  world.fault = new NetpluginError('internal', 'NFT_FAILED', 'nft cannot')
  passed(small())
  await assert.rejects(outside.whenInForce(1, soon()), { code: 'NO_WAY_IN', message: 'nft cannot' })
  assert.deepEqual(outside.problems(), ['way out: nft cannot'])
  assert.ok(said(/way out not as it should be/))
  world.fault = undefined
  await until('another try', () => tables.length > 0)
  await outside.whenInForce(1, soon())
  assert.deepEqual(outside.problems(), [])
})

test('without its port in the switch there is no way out, and that is said', async (t) => {
  const { passed, outside, until } = start(t)
  passed(small(), [])
  await until('a problem', () => outside.problems().length > 0)
  assert.match(outside.problems()[0] ?? '', /the switch has no port np-outside/)
})
