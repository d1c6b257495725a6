// The example files of intents, each loaded and its containers started, half of them before and half of them after the intent:
// every container asks every address, and those and only those answer that are in a network with it.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import type { Container } from '../support/containers.ts'
import { expectedTable, intended, interfacesOf, load, startNamed, untilAttached } from '../support/intents.ts'
import { ask } from '../support/inventory.ts'
import { labSkip, type TestLab, withLab } from '../support/lab.ts'
import { askAll, assertSameTable } from '../support/reachability.ts'
import { stepsOf } from '../support/steps.ts'

interface IntentFile {
  readonly Tenants: readonly {
    readonly Networks: readonly {
      readonly Endpoints: readonly { readonly Container: string; readonly Host?: string }[]
    }[]
  }[]
}

/** How many endpoints and networks each comes to is checked too: a file that loads nothing would pass otherwise. */
const files: readonly (readonly [file: string, endpoints: number, networks: number])[] = [
  ['one_host_vlan.json', 2, 1],
  ['one_host_multiple_nets.json', 4, 2],
  ['two_host_vlan.json', 4, 1],
  ['two_host_vxlan.json', 4, 1],
  ['two_hosts_multiple_vlans_nets.json', 4, 2],
  ['two_hosts_multiple_tenants_mix_vlan_vxlan.json', 4, 2],
  ['two_hosts_multiple_tenants.json', 4, 2],
  ['multiple_eps_in_container.json', 4, 2],
  ['three_host_vxlan.json', 6, 1],
  ['fixed_numbers.json', 3, 2],
]

test('example intents', { skip: labSkip, timeout: 280_000 }, (t) =>
  withLab({ name: 'intfiles', hosts: 3, netMode: 'both', fwdMode: 'bridge' }, (lab) => check(t, lab)),
)

async function check(t: TestContext, lab: TestLab): Promise<void> {
  const step = stepsOf(t)
  const containers = new Containers(lab)
  for (const [file, endpoints, networks] of files) {
    await step(file, async () => {
      await loadWithContainers(lab, containers, file)
      assert.equal((await intended(lab)).length, endpoints)
      assert.equal((await ask<readonly unknown[]>(lab, '/networks')).length, networks)
      await checkReach(lab, containers.running)
      await containers.takeOff()
    })
  }

  await step('an endpoint that is added and deleted, the others as they were', async () => {
    await loadWithContainers(lab, containers, 'two_hosts_multiple_vxlan_nets.json')
    const before = await intended(lab)
    await load(lab, '-add-cfg', document('two_hosts_multiple_vxlan_add_del_ep.json'))
    await load(lab, '-add-cfg', document('two_hosts_multiple_vxlan_add_del_ep.json'))
    const added = await containers.start('myContainer5', 'node1')
    await checkReach(lab, containers.running)
    await load(lab, '-del-cfg', document('two_hosts_multiple_vxlan_add_del_ep.json'))
    await lab.until('the interface to go', async () => (await interfacesOf(added)).length === 0 || undefined)
    assert.deepEqual(await intended(lab), before)
    await containers.remove('myContainer5')
    await checkReach(lab, containers.running)
    await containers.takeOff()
  })

  await step(
    'containers without a host: where they start, then where the bindings say, with the same addresses',
    async () => {
      const places = { myContainer1: 'node1', myContainer2: 'node2', myContainer3: 'node2', myContainer4: 'node1' }
      await loadWithContainers(lab, containers, 'late_bindings/multiple_vxlan_nets.json', places)
      await checkReach(lab, containers.running)
      const addresses = async () =>
        (await intended(lab)).map(({ containerName, ipAddress }) => `${containerName} ${ipAddress}`)
      const before = await addresses()
      await load(lab, '-host-bindings-cfg', document('late_bindings/multiple_vxlan_nets_host_bindings.json'))
      for (const [name, host] of [['myContainer2', 'node1'] as const, ['myContainer4', 'node2'] as const]) {
        const strayed = containers.get(name)
        await lab.until(
          `${name} to lose its interface`,
          async () => (await interfacesOf(strayed)).length === 0 || undefined,
        )
        await containers.start(name, host)
      }
      await checkReach(lab, containers.running)
      assert.deepEqual(await addresses(), before)
      await containers.takeOff()
    },
  )

  await step('endpoints of pods go to the one container that their bindings name', async () => {
    const first = await containers.start('myContainer1', 'node1')
    await load(lab, '-cfg', document('container_bindings/multiple_vxlan_nets.json'))
    // One that has the name of the pod, but is not the one that is meant.
    const decoy = await containers.start('myPod1', 'node2')
    await untilAttached(lab, [decoy])
    const second = await containers.start('myContainer2', 'node2')
    const attached = new Map([
      ['myPod1', first.id],
      ['myPod2', second.id.slice(0, 12)],
    ])
    const bindings = document('container_bindings/multiple_vxlan_nets_host_bindings.json') as { Container: string }[]
    await load(
      lab,
      '-host-bindings-cfg',
      bindings.map((binding) => ({ ...binding, AttachUUID: attached.get(binding.Container) })),
    )
    await lab.until('the other one to lose it', async () => (await interfacesOf(decoy)).length === 0 || undefined)
    await lab.until(
      'both pods',
      async () => (await intended(lab)).every((each) => each.containerId !== '') || undefined,
    )
    await untilAttached(lab, [first, second])
    await containers.takeOff()
  })
}

/** Half of the containers run before the intent comes, the others start after it. */
async function loadWithContainers(
  lab: TestLab,
  containers: Containers,
  file: string,
  places: Readonly<Record<string, string>> = {},
): Promise<void> {
  const intent = document(file) as IntentFile
  const endpoints = intent.Tenants.flatMap(({ Networks }) => Networks).flatMap(({ Endpoints }) => Endpoints)
  const hosts = new Map(
    endpoints.map(({ Container: name, Host = '' }) => [name, places[name] ?? Host.replace('netplugin-', '')]),
  )
  const named = [...hosts].map(([name, host]) => ({ name, host }))
  await containers.keepOnly(named.filter((_, at) => at % 2 === 0))
  await load(lab, '-cfg', intent)
  await Promise.all(named.filter((_, at) => at % 2 === 1).map(({ name, host }) => containers.start(name, host)))
}

async function checkReach(lab: TestLab, containers: readonly Container[]): Promise<void> {
  await untilAttached(lab, containers)
  const expected = expectedTable(containers, await intended(lab))
  assertSameTable(await askAll(containers, [...(expected.values().next().value?.keys() ?? [])]), expected)
}

/** An example, with the names of the lab's hosts in place of its own. */
function document(file: string): object {
  const text = readFileSync(new URL(`../../examples/${file}`, import.meta.url), 'utf8')
  return JSON.parse(text.replaceAll(/"host(\d)"/g, '"netplugin-node$1"')) as object
}

/** The containers of the lab: those that are wanted again run on. */
class Containers {
  readonly #lab: TestLab
  readonly #running = new Map<string, Container>()

  constructor(lab: TestLab) {
    this.#lab = lab
  }

  get running(): readonly Container[] {
    return [...this.#running.values()]
  }

  get(name: string): Container {
    const found = this.#running.get(name)
    assert.ok(found, `${name} runs`)
    return found
  }

  /** Starts it, also when it runs already: on another host, or anew. */
  async start(name: string, host: string): Promise<Container> {
    await this.remove(name)
    const container = await startNamed(this.#lab, host, name)
    this.#running.set(name, container)
    return container
  }

  async remove(name: string): Promise<void> {
    const container = this.#running.get(name)
    if (container === undefined) return
    this.#running.delete(name)
    await this.#lab.execOk(container.host, ['docker', 'rm', '-f', name])
  }

  async keepOnly(wanted: readonly { readonly name: string; readonly host: string }[]): Promise<void> {
    const places = new Map(wanted.map(({ name, host }) => [name, host]))
    const away = this.running.filter(({ name, host }) => places.get(name) !== host)
    await Promise.all(away.map(({ name }) => this.remove(name)))
    await Promise.all(
      wanted.filter(({ name }) => !this.#running.has(name)).map(({ name, host }) => this.start(name, host)),
    )
  }

  /** An empty intent: nobody has an interface any more. */
  async takeOff(): Promise<void> {
    await load(this.#lab, '-cfg', document('none.json'))
    for (const container of this.running) {
      const has = `${container.name} to have no interface`
      await this.#lab.until(has, async () => (await interfacesOf(container)).length === 0 || undefined)
    }
  }
}
