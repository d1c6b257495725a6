// What every host driver must do: run over each by its own test file.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type DesiredHost, planHost } from '../../core/plan/host.ts'
import { cniReserveAlias, type DesiredVeth, farAlias, findPeer, reserveAlias } from '../../core/plan/veths.ts'
import type { LinkEvent } from '../../protocols/netlink/index.ts'
import type { HostDriver, HostStep } from './host.ts'

/** A host of its own, and hands that are not ours. */
export interface HostScene {
  readonly host: HostDriver
  /** A veth that somebody else made, and its other end `peer-<name>`; both are down. */
  addForeignVeth(name: string): void
  /** A port as the switch makes it: kind `tun`, down. */
  addInternalPort(name: string): void
  /** What a container runtime does with the end that the container gets. */
  moveAway(name: string): void
  hasTxChecksum(name: string): boolean
  close(): Promise<void>
}

export interface HostUnderTest {
  readonly name: string
  readonly open: () => HostScene
}

const web: DesiredVeth = {
  kind: 'veth',
  name: 'vweb',
  peer: 'cweb',
  mac: '02:02:0a:01:01:01',
  mtu: 1450,
  alias: 'netplugin:web',
  txChecksum: false,
}
const db: DesiredVeth = {
  ...web,
  name: 'vdb',
  peer: 'cdb',
  mac: '02:02:0a:01:01:02',
  alias: 'netplugin:db',
  txChecksum: true,
}
const port = {
  kind: 'internal',
  name: 'hport',
  mac: '02:02:00:00:00:01',
  addresses: ['172.19.0.1/16', 'fd00:19::1/64'],
  mtu: 1400,
  routes: [{ destination: '20.1.1.0/24' }, { destination: '20.1.2.0/24', via: '172.19.0.2' }],
} as const
const everything = { remove: true }

export function testHost(subject: HostUnderTest): void {
  const scenario = (title: string, body: (scene: HostScene) => void | Promise<void>) =>
    test(`${subject.name}: ${title}`, async () => {
      const scene = subject.open()
      try {
        await body(scene)
      } finally {
        await scene.close()
      }
    })

  scenario('a desired veth is made with names, address, MTU and mark, and is up', ({ host, hasTxChecksum }) => {
    reach(host, { veths: [web, db], hostPorts: [] })
    const { links } = host.facts()
    const end = links.get('vweb')
    const { kind, alias, mtu, up } = end!
    assert.deepEqual({ kind, alias, mtu, up }, { kind: 'veth', alias: 'netplugin:web', mtu: 1450, up: true })
    const peer = links.get('cweb')
    assert.deepEqual([peer?.mac, peer?.mtu, peer?.peerIndex], ['02:02:0a:01:01:01', 1450, end!.index])
    assert.deepEqual(['vweb', 'cweb', 'vdb', 'cdb'].map(hasTxChecksum), [false, false, true, true])
  })

  scenario('links and addresses are the same objects until something changes', ({ host }) => {
    reach(host, { veths: [web], hostPorts: [] })
    const before = host.facts()
    assert.equal(host.facts().links, before.links)
    assert.equal(host.facts().addresses, before.addresses)
    reach(host, { veths: [web, db], hostPorts: [] })
    assert.notEqual(host.facts().links, before.links)
  })

  scenario('a veth whose peer went into a container is complete', ({ host, moveAway }) => {
    reach(host, { veths: [web], hostPorts: [] })
    moveAway('cweb')
    assert.equal(host.facts().links.has('cweb'), false)
    assert.deepEqual(planHost({ veths: [web], hostPorts: [] }, host.facts(), everything), [])
  })

  scenario('a waiting veth becomes that of an endpoint, both ends', ({ host }) => {
    const waiting: DesiredVeth = { ...web, mac: '02:02:00:00:00:00', mtu: 1500, alias: reserveAlias }
    reach(host, { veths: [waiting], hostPorts: [] })
    const before = host.facts().links.get('vweb')
    reach(host, { veths: [web], hostPorts: [] })
    const { links } = host.facts()
    const end = links.get('vweb')
    assert.deepEqual([end?.index, end?.alias, end?.mtu, end?.up], [before?.index, 'netplugin:web', 1450, true])
    assert.deepEqual([links.get('cweb')?.mac, links.get('cweb')?.mtu], [web.mac, 1450])
  })

  scenario(
    'a far end is born in the far namespace, up, with the alias, and the host sees no more of it',
    ({ host }) => {
      const far: DesiredVeth = { ...web, isFar: true }
      reach(host, { veths: [far, db], hostPorts: [] })
      const facts = host.facts()
      const end = facts.links.get('vweb')!
      assert.deepEqual([end.alias, end.up, end.mtu, facts.links.has('cweb')], [farAlias, true, 1450, false])
      assert.deepEqual(
        [...(facts.farLinks?.keys() ?? [])].filter((name) => name !== 'lo'),
        ['cweb'],
      )
      const { link, isFar } = findPeer('cweb', end, facts)!
      assert.deepEqual([link.mac, link.mtu, link.up, link.alias, isFar], [web.mac, 1450, true, 'netplugin:web', true])
      reach(host, { veths: [db], hostPorts: [] })
      assert.equal(host.facts().farLinks?.has('cweb'), false)
    },
  )

  scenario('whose a pair with a far end is changes without a word of it on the host', ({ host }) => {
    const waiting: DesiredVeth = { ...web, isFar: true, mac: '02:02:00:00:00:00', alias: cniReserveAlias }
    reach(host, { veths: [waiting], hostPorts: [] })
    const before = host.facts().links
    reach(host, { veths: [{ ...web, isFar: true }], hostPorts: [] })
    const far = () => host.facts().farLinks?.get('cweb')
    assert.deepEqual([far()?.alias, far()?.mac], ['netplugin:web', web.mac])
    reach(host, { veths: [waiting], hostPorts: [] })
    assert.deepEqual([far()?.alias, far()?.mac], [cniReserveAlias, '02:02:00:00:00:00'])
    assert.equal(host.facts().links, before)
  })

  scenario('a pair of an older version keeps its far end on the host', ({ host }) => {
    reach(host, { veths: [web], hostPorts: [] })
    const before = host.facts().links.get('vweb')
    reach(host, { veths: [{ ...web, isFar: true }], hostPorts: [] })
    assert.deepEqual(host.facts().links.get('vweb'), before)
    reach(host, { veths: [{ ...web, isFar: true, alias: cniReserveAlias }], hostPorts: [] })
    assert.equal(host.facts().links.has('cweb'), false, 'it is made anew')
    assert.equal(host.facts().farLinks?.get('cweb')?.alias, cniReserveAlias)
  })

  scenario('veths that are not desired any more go with both ends, others stay', ({ host, addForeignVeth }) => {
    addForeignVeth('theirs')
    const many = Array.from({ length: 5 }, (_, index) => numbered(index))
    reach(host, { veths: [web, ...many], hostPorts: [] })
    const before = host.facts().links.get('theirs')
    reach(host, { veths: [web], hostPorts: [] })
    const { links } = host.facts()
    const left = [...links.keys()].filter((name) => name !== 'lo').sort()
    assert.deepEqual(left, ['cweb', 'peer-theirs', 'theirs', 'vweb'])
    assert.deepEqual(links.get('theirs'), before)
  })

  scenario('a foreign link in the way is a conflict and is not touched', ({ host, addForeignVeth, hasTxChecksum }) => {
    addForeignVeth(web.name)
    const before = host.facts().links.get(web.name)
    const results = host.apply(planHost({ veths: [web], hostPorts: [] }, host.facts(), everything))
    assert.equal(results[0]?.step.kind, 'create-veth')
    assert.equal(results[0]?.error?.code, 'NETLINK_EEXIST')
    assert.equal(results[0]?.error?.kind, 'conflict')
    assert.deepEqual(host.facts().links.get(web.name), before)
    assert.equal(hasTxChecksum(web.name), true)
  })

  scenario('what is gone already counts as deleted', ({ host }) => {
    const gone = (index: number): HostStep => ({ kind: 'delete-link', name: 'x', index })
    for (const steps of [[gone(4_000)], [gone(4_000), gone(4_001)]]) {
      assert.deepEqual(
        host.apply(steps).map((result) => result.error),
        steps.map(() => undefined),
      )
    }
  })

  scenario('a failing step does not stop the others', ({ host }) => {
    const bad: HostStep = { kind: 'set-link', name: 'missing', index: 4_000, mtu: 1400 }
    const good = planHost({ veths: [web], hostPorts: [] }, host.facts(), everything)
    const results = host.apply([bad, ...good])
    assert.equal(results[0]?.error?.kind, 'not-found')
    assert.deepEqual(
      results.slice(1).map((result) => result.error),
      good.map(() => undefined),
    )
    assert.equal(host.facts().links.get('vweb')?.up, true)
  })

  scenario(
    'a host port gets MTU, MAC, addresses and routes once the switch has made it',
    ({ host, addInternalPort }) => {
      const desired: DesiredHost = { veths: [], hostPorts: [port] }
      assert.deepEqual(planHost(desired, host.facts(), everything), [])
      addInternalPort(port.name)
      reach(host, desired)
      const { links, addresses, routes } = host.facts()
      const link = links.get(port.name)!
      assert.deepEqual([link.mtu, link.mac, link.up], [1400, port.mac, true])
      const held = addresses.filter(({ index, scope }) => index === link.index && scope !== 'link')
      assert.deepEqual(held.map(({ cidr }) => cidr).sort(), ['172.19.0.1/16', 'fd00:19::1/64'])
      assert.deepEqual(
        routes.map(({ destination, via }) => [destination, via]),
        [
          ['20.1.1.0/24', undefined],
          ['20.1.2.0/24', '172.19.0.2'],
        ],
      )
      assert.deepEqual(host.underlay('172.19.0.1'), { device: port.name, mtu: 1400 })
      assert.deepEqual(host.underlay('FD00:19:0::1'), { device: port.name, mtu: 1400 })
    },
  )

  scenario('a host port loses what is not desired any more', ({ host, addInternalPort }) => {
    addInternalPort(port.name)
    reach(host, { veths: [], hostPorts: [port] })
    const changed = {
      ...port,
      addresses: ['172.19.0.9/16'],
      routes: [{ destination: '20.1.2.0/24', via: '172.19.0.3' }],
    }
    reach(host, { veths: [], hostPorts: [changed] })
    const { addresses, routes } = host.facts()
    const held = addresses.filter(({ address }) => /^172\.19|^fd00:19/.test(address))
    assert.deepEqual(
      held.map(({ cidr }) => cidr),
      ['172.19.0.9/16'],
    )
    assert.deepEqual(
      routes.map(({ destination, via }) => [destination, via]),
      [['20.1.2.0/24', '172.19.0.3']],
    )
  })

  scenario('an address that nobody has leads to no underlay', ({ host }) => {
    assert.equal(host.underlay('192.0.2.77'), undefined)
  })

  scenario('a watcher hears of changes until it ends', async ({ host, addForeignVeth }) => {
    const seen: LinkEvent[] = []
    const end = host.watch((event) => seen.push(event))
    const first = heard(host, 'first')
    addForeignVeth('first')
    await first
    end()
    const before = seen.length
    assert.ok(seen.some((event) => event.type === 'link' && event.link.name === 'first'))
    const second = heard(host, 'second')
    addForeignVeth('second')
    await second
    assert.equal(seen.length, before, 'the ended watcher heard more')
  })
}

/** Resolves when the driver tells of the link, by a watcher of its own. */
function heard(host: HostDriver, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const deadline = AbortSignal.timeout(5_000)
    deadline.onabort = () => reject(new Error(`nothing was heard of the link ${name}`))
    const end = host.watch((event: LinkEvent) => {
      if (event.type !== 'link' || event.link.name !== name) return
      end()
      deadline.onabort = null
      resolve()
    })
  })
}

/** Applies the plan and checks that it was enough. */
function reach(host: HostDriver, desired: DesiredHost): void {
  for (const { step, error } of host.apply(planHost(desired, host.facts(), everything))) {
    assert.equal(error, undefined, `${JSON.stringify(step)}: ${error?.message}`)
  }
  assert.deepEqual(planHost(desired, host.facts(), everything), [], 'a second plan is empty')
}

function numbered(index: number): DesiredVeth {
  return {
    ...web,
    name: `vn${index}`,
    peer: `cn${index}`,
    alias: `netplugin:${index}`,
    mac: `02:02:0a:01:02:0${index}`,
  }
}
