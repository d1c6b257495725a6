// Whatever a host has, applying the plan makes it what is desired, once; and nothing of others changes.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type DesiredHost, ownRouteProtocol, planHost } from '../../src/core/plan/host.ts'
import { type DesiredVeth, isOwnVeth, ownLinkGroup } from '../../src/core/plan/veths.ts'
import { FakeHost } from '../../src/drivers/host/fake.ts'

const numbers = fc.integer({ min: 0, max: 5 })

function desiredVeth(number: number, mtu: number): DesiredVeth {
  const alias = `netplugin:e${number}`
  return {
    kind: 'veth',
    name: `v${number}`,
    peer: `c${number}`,
    mac: `02:02:0a:00:00:0${number}`,
    mtu,
    alias,
    txChecksum: false,
  }
}

const veths = fc
  .uniqueArray(fc.tuple(numbers, fc.constantFrom(1450, 1500)), { selector: ([number]) => number })
  .map((list) => list.map(([number, mtu]) => desiredVeth(number, mtu)))

const hostPorts = fc.subarray(['10.0.0.1/8', 'fd00::1/64', '10.0.0.2/8']).chain((addresses) =>
  fc.subarray(['20.1.0.0/16', '20.2.0.0/16', 'fd20::/64']).chain((destinations) =>
    fc.constantFrom(undefined, '10.0.0.9').map((via) => [
      {
        kind: 'internal' as const,
        name: 'hp',
        mac: '02:02:00:00:00:01',
        addresses,
        mtu: 1450,
        routes: destinations.map((destination) => ({ destination, ...(via === undefined ? {} : { via }) })),
      },
    ]),
  ),
)

const desired: fc.Arbitrary<DesiredHost> = fc.record({ veths, hostPorts: fc.oneof(hostPorts, fc.constant([])) })

/** What other hands, and agents that died half-way, may have left. */
type Leftover = { readonly kind: 'foreign' | 'half' | 'stale' | 'other-kind' | 'down'; readonly number: number }

const leftovers = fc.uniqueArray(
  fc.record({
    kind: fc.constantFrom<Leftover['kind']>('foreign', 'half', 'stale', 'other-kind', 'down'),
    number: numbers,
  }),
  { selector: ({ number }) => number },
)

function leave(host: FakeHost, { kind, number }: Leftover): void {
  const peer = host.addLink({ name: `c${number}`, kind: 'veth' })
  const common = { name: `v${number}`, kind: 'veth', mtu: 1400, peerIndex: peer.index }
  const marks = {
    foreign: { alias: 'theirs' },
    half: { group: ownLinkGroup },
    stale: { alias: 'netplugin:gone', up: true },
    'other-kind': { kind: 'vxlan', alias: 'netplugin:looks-like-ours' },
    down: { alias: `netplugin:e${number}` },
  }
  const link = host.addLink({ ...common, ...marks[kind] })
  // The peer must know its other end, as the kernel says it.
  host.moveAway(peer.name)
  host.addLink({ ...peer, index: peer.index, peerIndex: kind === 'other-kind' ? 0 : link.index })
}

interface Start {
  readonly left: readonly Leftover[]
  readonly before: DesiredHost
  readonly moved: readonly number[]
}

const start: fc.Arbitrary<Start> = fc.record({
  left: leftovers,
  before: desired,
  moved: fc.uniqueArray(numbers),
})

/** A host with things of others, brought to an earlier desired state, and some peers moved into containers. */
function hostOf({ left, before, moved }: Start): FakeHost {
  const host = new FakeHost({ hasKernelOpenVswitch: false })
  const port = host.addLink({ name: 'hp', kind: 'tun', mac: '02:00:00:00:00:99' })
  for (const leftover of left) leave(host, leftover)
  host.addRoute({ destination: '20.9.0.0/16', deviceIndex: port.index, protocol: 3 })
  host.apply(planHost(before, host.facts(), { remove: true }))
  for (const number of moved) {
    const link = host.facts().links.get(`v${number}`)
    if (link !== undefined && isOwnVeth(link)) host.moveAway(`c${number}`)
  }
  return host
}

function foreignOf(host: FakeHost): unknown {
  const links = [...host.facts().links.values()]
  const own = new Set(links.filter(isOwnVeth).flatMap((link) => [link.index, link.peerIndex]))
  return {
    links: links.filter((link) => !own.has(link.index) && link.kind !== 'tun'),
    routes: host.routes.filter((route) => route.protocol !== ownRouteProtocol),
  }
}

function isTaken(host: FakeHost, veth: DesiredVeth): boolean {
  const link = host.facts().links.get(veth.name)
  return link !== undefined && !isOwnVeth(link)
}

test('applying the plan makes the host as desired, and a second plan is empty', () => {
  fc.assert(
    fc.property(start, desired, (from, to) => {
      const host = hostOf(from)
      const reachable = { ...to, veths: to.veths.filter((veth) => !isTaken(host, veth)) }
      for (const { step, error } of host.apply(planHost(reachable, host.facts(), { remove: true }))) {
        assert.equal(error, undefined, `${JSON.stringify(step)}: ${error?.message}`)
      }
      assert.deepEqual(planHost(reachable, host.facts(), { remove: true }), [])
      const { links, routes } = host.facts()
      const own = [...links.values()].filter(isOwnVeth)
      assert.deepEqual(own.map(({ name }) => name).sort(), reachable.veths.map(({ name }) => name).sort())
      for (const veth of reachable.veths) {
        const { alias, mtu, up } = links.get(veth.name)!
        assert.deepEqual({ alias, mtu, up }, { alias: veth.alias, mtu: veth.mtu, up: true })
        assert.ok(host.txChecksumOff.has(veth.name), `${veth.name} leaves checksums to others`)
      }
      const wanted = reachable.hostPorts.flatMap((port) => port.routes.map((route) => route.destination))
      assert.deepEqual(routes.map((route) => route.destination).sort(), [...wanted].sort())
    }),
  )
})

test('nothing of others changes, also where it is in the way', () => {
  fc.assert(
    fc.property(start, desired, fc.boolean(), (from, to, remove) => {
      const host = hostOf(from)
      const before = foreignOf(host)
      host.apply(planHost(to, host.facts(), { remove }))
      assert.deepEqual(foreignOf(host), before)
    }),
  )
})

test('before removal is allowed, what is desired is there and what is not desired stays', () => {
  fc.assert(
    fc.property(start, desired, (from, to) => {
      const host = hostOf(from)
      const before = [...host.facts().links.keys()]
      host.apply(planHost(to, host.facts(), { remove: false }))
      const after = host.facts().links
      const replaced = new Set(to.veths.flatMap((veth) => [veth.name, veth.peer]))
      for (const name of before) assert.ok(after.has(name) || replaced.has(name), `${name} is gone`)
      for (const veth of to.veths) assert.ok(after.has(veth.name), `${veth.name} is missing`)
    }),
  )
})

test('an agent that dies after any step is followed by one that reaches the same state', () => {
  fc.assert(
    fc.property(start, desired, fc.nat(), (from, to, cut) => {
      const [whole, broken] = [hostOf(from), hostOf(from)]
      const steps = planHost(to, whole.facts(), { remove: true })
      whole.apply(steps)
      broken.apply(steps.slice(0, cut % (steps.length + 1)))
      broken.apply(planHost(to, broken.facts(), { remove: true }))
      const shape = (host: FakeHost) =>
        [...host.facts().links.values()]
          .map(({ name, kind, mtu, up, alias, mac }) => ({ name, kind, mtu, up, alias, mac }))
          .sort((a, b) => (a.name < b.name ? -1 : 1))
      assert.deepEqual(shape(broken), shape(whole))
    }),
  )
})
