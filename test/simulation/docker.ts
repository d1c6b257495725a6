// Docker on one host: starts and stops containers in the order of calls that it makes (libnetwork), believes its plugin, and
// forgets what it could not tell it.

import { FakeRuntime } from '../../src/drivers/runtime/fake.ts'
import type { Runtime, RuntimeAttachment, RuntimeEvent } from '../../src/drivers/runtime/runtime.ts'
import { NetpluginError } from '../../src/lib/errors.ts'
import { poolId as poolIdOf, refFromOptions } from '../../src/netplugin/network-ref.ts'
import { noEndpointOptions } from '../../src/protocols/libnetwork/options.ts'
import type { AgentSide } from './agent.ts'
import type { Process } from './process.ts'
import type { World } from './world.ts'

export interface RunningHere {
  readonly containerId: string
  readonly endpointId: string
  readonly node: string
  /** `tenant:network`. */
  readonly network: string
  /** Without its length. */
  readonly ipv4: string
}

interface Plugin {
  readonly process: Process
  readonly agent: AgentSide
}

/** As long as an answer may take. */
const callMs = 20_000

export class Docker {
  readonly runtime = new FakeRuntime()
  readonly running = new Map<string, RunningHere>()
  /** Endpoints of which the plugin said that they are given back. */
  readonly givenBack = new Set<string>()
  /** Calls that are under way. */
  busy = 0
  readonly #node: string
  readonly #world: World
  readonly #plugin: () => Plugin | undefined
  #next = 1
  #boot = 0

  constructor(node: string, world: World, plugin: () => Plugin | undefined) {
    this.#node = node
    this.#world = world
    this.#plugin = plugin
  }

  /** Answers what runs then; undefined where that could not be. */
  async run(networkName: string): Promise<RunningHere | undefined> {
    const boot = this.#boot
    const found = (await this.runtime.networks({})).find(({ name }) => name === networkName)
    const pool = found?.subnets[0]?.subnet
    const ref = refFromOptions(found?.options ?? {})
    if (found === undefined || pool === undefined || ref === undefined) return undefined
    const id = `${this.#node}-${this.#next++}`
    const endpointId = `ep-${id}`
    const poolId = poolIdOf(ref, pool)
    const { address } = await this.#call(({ ipam }, signal) =>
      ipam.requestAddress({ poolId, address: '', options: {} }, signal),
    )
    const ipv4 = address.replace(/\/.*/, '')
    const both = { networkId: found.id, endpointId }
    try {
      const given = { address, addressIpv6: '', macAddress: '' }
      await this.#call(({ network }, signal) =>
        network.createEndpoint({ ...both, interface: given, options: noEndpointOptions }, signal),
      )
    } catch (error) {
      await this.#tell(({ ipam }, signal) => ipam.releaseAddress({ poolId, address: ipv4 }, signal))
      throw error
    }
    const here: RunningHere = {
      containerId: id,
      endpointId,
      node: this.#node,
      network: `${ref.tenant}:${ref.network}`,
      ipv4,
    }
    try {
      await this.#call(({ network }, signal) =>
        network.join({ ...both, sandboxKey: '', options: noEndpointOptions }, signal),
      )
      if (this.#boot !== boot) throw new Error('the machine was switched off')
    } catch (error) {
      await this.#forget(here, found.id, poolId)
      throw error
    }
    this.running.set(id, here)
    const attachment: RuntimeAttachment = { ...both, networkName, ipv4, ipv6: '', mac: '', aliases: [] }
    const rest = { name: id, labels: {}, running: true, namespace: `/proc/${id}/ns/net` }
    this.runtime.putContainer({ id, ...rest, attachments: [attachment] }, 'start')
    return here
  }

  async stop(here: RunningHere): Promise<void> {
    this.running.delete(here.containerId)
    const found = (await this.runtime.container(here.containerId))?.attachments[0]
    const network = (await this.runtime.networks({})).find(({ id }) => id === found?.networkId)
    this.runtime.removeContainer(here.containerId)
    const ref = refFromOptions(network?.options ?? {}) ?? { tenant: 'default', network: 'none', group: '' }
    await this.#forget(here, found?.networkId ?? '', poolIdOf(ref, network?.subnets[0]?.subnet ?? ''))
  }

  /** The machine is switched off and on: nothing runs, and nobody is told. */
  reboot(): void {
    this.#boot++
    this.runtime.setUp(false)
    for (const id of this.running.keys()) this.runtime.removeContainer(id)
    this.running.clear()
    this.runtime.setUp(true)
  }

  async #forget({ endpointId, ipv4 }: RunningHere, networkId: string, poolId: string): Promise<void> {
    await this.#tell(async ({ network }, signal) => {
      await network.deleteEndpoint({ networkId, endpointId }, signal)
      this.givenBack.add(endpointId)
    })
    await this.#tell(({ ipam }, signal) => ipam.releaseAddress({ poolId, address: ipv4 }, signal))
  }

  /** What goes wrong then, Docker only logs. */
  #tell(ask: (agent: AgentSide, signal: AbortSignal) => Promise<unknown>): Promise<unknown> {
    return this.#call(ask).catch(() => {})
  }

  #call<T>(ask: (agent: AgentSide, signal: AbortSignal) => Promise<T>): Promise<T> {
    const world = this.#world
    this.busy++
    return new Promise<T>((resolve, reject) => {
      const over = new AbortController()
      const settle = (how: () => void) => {
        if (over.signal.aborted) return
        takeBack()
        over.abort(gone())
        // What was said is read a moment later.
        world.after(1, () => {
          this.busy--
          how()
        })
      }
      const takeBack = world.after(callMs, () => settle(() => reject(gone())))
      world.after(world.delay(2), () => {
        const plugin = this.#plugin()
        if (plugin === undefined || !plugin.process.isAlive) return settle(() => reject(gone()))
        plugin.process.onDeath(() => settle(() => reject(gone())))
        ask(plugin.agent, over.signal).then(
          (answer) => plugin.process.isAlive && settle(() => resolve(answer)),
          (error: unknown) => plugin.process.isAlive && settle(() => reject(error)),
        )
      })
    })
  }
}

function gone(): NetpluginError {
  return new NetpluginError('unavailable', 'PLUGIN_GONE', 'the plugin does not answer')
}

/** The engine as an agent sees it: answers take their time, and a dead agent hears nothing. */
export function engineOf(inner: FakeRuntime, process: Process): Runtime {
  const slowly = async <T>(ask: () => Promise<T>): Promise<T> => {
    await process.wait(2)
    const answer = await ask()
    await process.wait(2)
    return answer
  }
  return {
    version: () => slowly(() => inner.version()),
    networks: (filter) => slowly(() => inner.networks(filter)),
    createNetwork: (spec) => slowly(() => inner.createNetwork(spec)),
    removeNetwork: (id) => slowly(() => inner.removeNetwork(id)),
    containers: () => slowly(() => inner.containers()),
    container: (id) => slowly(() => inner.container(id)),
    disconnect: (network, container) => slowly(() => inner.disconnect(network, container)),
    watch: async (listener, deps, signal) => {
      await process.wait(2)
      const hear = (event: RuntimeEvent) => void process.clock.after(1).then(() => listener(event))
      await inner.watch(hear, deps, signal)
      if (!process.isAlive) await new Promise(() => {})
    },
  }
}
