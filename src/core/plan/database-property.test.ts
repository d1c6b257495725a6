import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { DesiredBridge, DesiredPort } from './database.ts'
import { bridge, expected, owner, TestDatabase } from './database-fixture.ts'

const names = ['n0', 'n1', 'n2', 'n3', 'n4', 'n5', 'n6', 'n7'] as const
const key = fc.constantFrom('x', 'y', 'constructor', '__proto__')
const strings = fc.dictionary(key, fc.constantFrom('1', '2'), { maxKeys: 2, noNullPrototype: true })
const anyPort = fc.record({
  type: fc.constantFrom('' as const, 'internal' as const, 'vxlan' as const, 'patch' as const),
  options: strings,
  mac: fc.option(fc.constantFrom('02:00:00:00:00:01', '02:00:00:00:00:02'), { nil: undefined }),
  mark: fc.constantFrom({}, { 'netplugin-endpoint': 'e1' }, { 'netplugin-endpoint': 'e2', 'netplugin-role': 'r' }),
  bonded: fc.boolean(),
  fallback: fc.boolean(),
  tag: fc.option(fc.constantFrom(1, 2), { nil: undefined }),
  trunks: fc.uniqueArray(fc.constantFrom(3, 20, 100)),
})

/** Any bridges and ports that share no name; the same few names mean other things in the next state. */
const anyDesired = fc
  .record({
    order: fc.shuffledSubarray([...names], { minLength: names.length }),
    bridgeCount: fc.integer({ min: 0, max: 3 }),
    portCount: fc.integer({ min: 0, max: 5 }),
    ports: fc.array(anyPort, { minLength: 5, maxLength: 5 }),
    otherConfig: strings,
    failMode: fc.constantFrom('secure' as const, 'standalone' as const),
    protocols: fc.uniqueArray(fc.constantFrom('OpenFlow14', 'OpenFlow10', 'OpenFlow13')),
  })
  .map(({ order, bridgeCount, portCount, ports, otherConfig, failMode, protocols }): readonly DesiredBridge[] => {
    const free = [...order]
    const bridges = free.splice(0, bridgeCount).map((name) => ({ name, ports: new Map<string, DesiredPort>() }))
    for (const [index, { type, options, mac, mark, bonded, fallback, tag, trunks }] of ports
      .slice(0, portCount)
      .entries()) {
      const name = free.shift()
      const target = bridges[index % Math.max(1, bridgeCount)]
      if (name === undefined || target === undefined) break
      const members = bonded && free.length >= 2 ? free.splice(0, 2) : [name]
      target.ports.set(name, {
        name,
        mark,
        interfaces: members.map((member) => ({ name: member, type, options, ...(mac === undefined ? {} : { mac }) })),
        trunks,
        ...(tag === undefined ? {} : { tag }),
        ...(members.length > 1 ? { bond: { mode: 'active-backup', lacp: 'off', fallback } as const } : {}),
      })
    }
    return bridges.map(({ name, ports }) => bridge(name, [...ports.values()], { otherConfig, failMode, protocols }))
  })

const anyForeign = fc.record({
  bridges: fc.subarray(['n6', 'n7', 'f0']),
  ports: fc.subarray(['n4', 'n5', 'f1']),
  /** Onto a bridge of ours. */
  guests: fc.subarray(['n3', 'f2']),
})

test('from any state to any other: applying the plan gives it, a second plan is empty, and what is foreign stays', () => {
  let reached = 0
  let conflicts = 0
  fc.assert(
    fc.property(anyForeign, anyDesired, anyDesired, fc.boolean(), (foreign, first, second, hasty) => {
      const database = new TestDatabase()
      for (const name of foreign.bridges) database.addForeignBridge(name)
      const host = foreign.bridges[0]
      if (host !== undefined) for (const name of foreign.ports) database.addForeignPort(host, name)
      const plan = database.reach(first)
      assert.deepEqual(database.view(), expected(first, plan))
      assert.deepEqual(database.plan(first).transactions, [])

      const guestHost = [...database.rows.rows('Bridge').values()].find(
        (row) => row.external_ids['netplugin-node'] === owner,
      )
      const present = new Set(
        [...database.rows.rows('Interface').values(), ...database.rows.rows('Port').values()].map((row) => row.name),
      )
      if (guestHost !== undefined) {
        for (const name of foreign.guests.filter((one) => !present.has(one)))
          database.addForeignPort(guestHost.name, name)
      }
      const theirs = foreignOnly(database)
      // Not knowing the whole desired state yet makes no difference in the end.
      if (hasty) database.reach(second, false)
      const last = database.reach(second)
      assert.deepEqual(database.plan(second).transactions, [], 'a second plan')
      assert.deepEqual(database.plan(second).problems, last.problems)
      const inUse = last.problems.filter(({ code }) => code === 'BRIDGE_IN_USE').map((problem) => problem.bridge)
      const view = database.view() as Record<string, { ports: Record<string, object> }>
      for (const name of inUse) {
        assert.deepEqual(Object.keys(view[name]!.ports), [name])
        delete view[name]
      }
      // What there was of a port that cannot be as desired has stayed.
      for (const { bridge, port } of last.problems) if (port !== undefined) delete view[bridge]?.ports[port]
      assert.deepEqual(view, expected(second, last))
      assert.deepEqual(foreignOnly(database), theirs)
      reached++
      if (last.problems.length > 0) conflicts++
    }),
    { numRuns: 400 },
  )
  assert.ok(reached === 400 && conflicts > 20, `${conflicts} runs with conflicts`)
})

/** Foreign ports wherever they are, and foreign bridges; without our own bridges, which may come and go. */
function foreignOnly(database: TestDatabase): unknown {
  const all = database.foreign() as [unknown, unknown[]][]
  return all.filter(([where, ports]) => typeof where !== 'string' || ports.length > 0)
}
