// What every driver of containers' namespaces must do: run over each by its own test file.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type DesiredInterface, findEnd, findOver, planInterface } from '../../core/plan/container.ts'
import type { HostFacts } from '../../core/plan/host.ts'
import type { FarEnd } from '../../core/plan/veths.ts'
import type { LinkInfo } from '../../protocols/netlink/index.ts'
import type { Containers } from './containers.ts'

/** A host of its own with containers, and hands that are not ours. */
export interface ContainersScene {
  readonly containers: Containers
  /** A new container; its namespace. */
  addContainer(): string
  endContainer(namespace: string): void
  /** A pair as a pass of the agent makes it, for Docker or, with a far end in the far namespace, for CNI; the host's end as it is now. */
  addPair(name: string, peer: string, mac: string, isFar: boolean): LinkInfo
  /** A link of the host or of the far namespace; undefined when there is none of that name. */
  farEnd(name: string): FarEnd | undefined
  /** A link that the container has from elsewhere. */
  addLink(namespace: string, name: string): void
  addRoute(namespace: string, destination: string, device: string): void
  close(): void | Promise<void>
}

export interface ContainersUnderTest {
  readonly name: string
  readonly open: () => ContainersScene
}

const mac = '02:02:0a:01:01:01'
const desired: DesiredInterface = {
  peerName: 'cweb',
  mtu: 1450,
  addresses: ['10.1.1.1/24'],
  routes: [{ destination: '0.0.0.0/0', via: '10.1.1.254' }, { destination: '192.0.2.53/32' }],
}

export function testContainers(subject: ContainersUnderTest): void {
  const scenario = (title: string, body: (scene: ContainersScene) => void | Promise<void>) =>
    test(`${subject.name}: ${title}`, async () => {
      const scene = subject.open()
      try {
        await body(scene)
      } finally {
        await scene.close()
      }
    })

  const bothWays = (title: string, body: (scene: ContainersScene, isFar: boolean) => void | Promise<void>) => {
    scenario(title, (scene) => body(scene, false))
    scenario(`${title}, with a far namespace`, (scene) => body(scene, true))
  }

  bothWays('an interface that is moved in gets a name and what is desired, and is up', (scene, isFar) => {
    const { containers, addContainer, addPair, farEnd } = scene
    const namespace = addContainer()
    const host = addPair('vweb', 'cweb', mac, isFar)
    assert.equal(farEnd('cweb')?.isFar, isFar)
    containers.moveIn(farEndOf(scene, 'cweb'), namespace)
    assert.equal(farEnd('cweb'), undefined)
    reach(containers, namespace, host, desired)
    const { links, addresses, routes } = containers.look(namespace)
    const end = links.get('eth0')
    assert.deepEqual([end?.mac, end?.mtu, end?.up], [mac, 1450, true])
    const held = addresses.filter(({ index, scope }) => index === end?.index && scope !== 'link')
    assert.deepEqual(held.map(({ cidr }) => cidr).sort(), ['10.1.1.1/24'])
    const ours = routes.filter(({ protocol }) => protocol === 78).map(({ destination, via }) => [destination, via])
    assert.deepEqual(ours.sort(), [
      ['0.0.0.0/0', '10.1.1.254'],
      ['192.0.2.53/32', undefined],
    ])
  })

  scenario('what is not desired any more goes: addresses and our routes', ({ containers, ...scene }) => {
    const namespace = scene.addContainer()
    const host = scene.addPair('vweb', 'cweb', mac, false)
    containers.moveIn(farEndOf(scene, 'cweb'), namespace)
    reach(containers, namespace, host, desired)
    reach(containers, namespace, host, {
      ...desired,
      addresses: ['10.1.1.9/24'],
      routes: [{ destination: '0.0.0.0/0', via: '10.1.1.253' }],
    })
    const { addresses, routes } = containers.look(namespace)
    const held = addresses.filter(({ address }) => address.startsWith('10.1.1.'))
    assert.deepEqual(
      held.map(({ cidr }) => cidr),
      ['10.1.1.9/24'],
    )
    const ours = routes.filter(({ protocol }) => protocol === 78)
    assert.deepEqual(
      ours.map(({ destination, via }) => [destination, via]),
      [['0.0.0.0/0', '10.1.1.253']],
    )
  })

  scenario('a route that the container has already is left alone, and no second one is made', (scene) => {
    const { containers, addContainer, addPair, addLink, addRoute } = scene
    const namespace = addContainer()
    addLink(namespace, 'eth0')
    addRoute(namespace, '0.0.0.0/0', 'eth0')
    const host = addPair('vweb', 'cweb', mac, false)
    containers.moveIn(farEndOf(scene, 'cweb'), namespace)
    reach(containers, namespace, host, desired)
    const { links, routes } = containers.look(namespace)
    assert.ok(links.has('eth1'), 'under the first free name')
    const defaults = routes.filter(({ destination }) => destination === '0.0.0.0/0')
    assert.deepEqual(
      defaults.map(({ deviceIndex }) => deviceIndex),
      [links.get('eth0')?.index],
    )
  })

  scenario('a failing step does not stop the others', ({ containers, ...scene }) => {
    const namespace = scene.addContainer()
    const host = scene.addPair('vweb', 'cweb', mac, false)
    containers.moveIn(farEndOf(scene, 'cweb'), namespace)
    const end = findEnd(host, mac, containers.look(namespace))
    assert.ok(end)
    const bad = { kind: 'set-link', name: 'nothing', index: 4_000, mtu: 1400 } as const
    const results = containers.apply(namespace, [bad, ...planInterface(desired, end, containers.look(namespace))])
    assert.equal(results[0]?.error?.kind, 'not-found')
    assert.ok(results.slice(1).every(({ error }) => error === undefined))
  })

  bothWays('an interface is made over a far end, which stays where it is when it goes', async (scene, isFar) => {
    const { containers, addContainer, addPair, endContainer } = scene
    const [namespace, second] = [addContainer(), addContainer()]
    addPair('vweb', 'cweb', '02:02:00:00:00:00', isFar)
    const lower = farEndOf(scene, 'cweb')
    const now = () => farEndOf(scene, 'cweb')
    containers.putOver(lower, namespace, { name: 'net0', mac, mtu: 1400 })
    const end = findOver(lower.link, mac, containers.look(namespace))
    assert.deepEqual([end?.name, end?.mac, end?.mtu, end?.up], ['net0', mac, 1400, true])
    assert.ok(end)
    const wish = { ...desired, mtu: 1400 }
    for (const { error } of containers.apply(namespace, planInterface(wish, end, containers.look(namespace)))) {
      assert.equal(error, undefined)
    }
    assert.deepEqual(planInterface(wish, end, containers.look(namespace)), [])
    const { link, isFar: isStillFar } = now()
    assert.deepEqual([link.up, link.mac, isStillFar], [true, mac, isFar])
    assert.throws(() => containers.putOver(now(), namespace, { name: 'net0', mac, mtu: 1400 }), {
      code: 'NETLINK_EEXIST',
    })
    const { finished } = await containers.removeOver(now(), namespace)
    assert.equal(containers.look(namespace).links.has('net0'), false)
    assert.equal(await finished, true)
    containers.putOver(now(), second, { name: 'net1', mac, mtu: 1400 })
    assert.equal(await (await containers.removeOver(now(), second)).finished, true)
    assert.equal(await (await containers.removeOver(now(), second)).finished, false)
    containers.putOver(now(), namespace, { name: 'net2', mac, mtu: 1400 })
    endContainer(namespace)
    assert.equal(now().link.index, lower.link.index)
    assert.deepEqual(
      [...containers.look(second).links.keys()].filter((name) => name !== 'lo'),
      [],
    )
  })

  scenario('a container that ended is missing, and takes both ends along', ({ containers, ...scene }) => {
    const namespace = scene.addContainer()
    const host = scene.addPair('vweb', 'cweb', mac, false)
    containers.moveIn(farEndOf(scene, 'cweb'), namespace)
    scene.endContainer(namespace)
    assert.throws(() => containers.look(namespace), { kind: 'not-found', code: 'NAMESPACE_MISSING' })
    assert.throws(() => containers.apply(namespace, []), { kind: 'not-found', code: 'NAMESPACE_MISSING' })
    assert.throws(() => containers.moveIn({ link: host, isFar: false }, namespace), {
      kind: 'not-found',
      code: 'NAMESPACE_MISSING',
    })
  })
}

/** For scenes: a link by name, wherever it is. */
export function endIn({ links, farLinks }: Pick<HostFacts, 'links' | 'farLinks'>, name: string): FarEnd | undefined {
  const [here, far] = [links.get(name), farLinks?.get(name)]
  if (here !== undefined) return { link: here, isFar: false }
  return far === undefined ? undefined : { link: far, isFar: true }
}

function farEndOf(scene: Pick<ContainersScene, 'farEnd'>, name: string): FarEnd {
  const end = scene.farEnd(name)
  assert.ok(end, `${name} is not in a container`)
  return end
}

/** Applies the plan and checks that it was enough. */
function reach(containers: Containers, namespace: string, host: LinkInfo, wanted: DesiredInterface): void {
  const plan = () => {
    const inside = containers.look(namespace)
    const end = findEnd(host, mac, inside)
    assert.ok(end, 'the end is in the container')
    return planInterface(wanted, end, inside)
  }
  for (const { step, error } of containers.apply(namespace, plan())) {
    assert.equal(error, undefined, `${JSON.stringify(step)}: ${error?.message}`)
  }
  assert.deepEqual(plan(), [], 'a second plan is empty')
}
