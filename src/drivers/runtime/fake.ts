// A runtime in memory, for tests of what stands on one. Containers are started and stopped by the test.

import { NetpluginError } from '../../lib/errors.ts'
import type {
  NetworkSpec,
  Runtime,
  RuntimeAttachment,
  RuntimeContainer,
  RuntimeEvent,
  RuntimeNetwork,
  RuntimeVersion,
  WatchDeps,
} from './runtime.ts'

interface Watcher {
  readonly listener: (event: RuntimeEvent) => void
  readonly end: () => void
}

export class FakeRuntime implements Runtime {
  readonly #networks = new Map<string, RuntimeNetwork>()
  readonly #containers = new Map<string, RuntimeContainer>()
  readonly #watchers = new Set<Watcher>()
  #nextId = 1
  #up = true

  /** While false every call fails as if the runtime were stopped; watches end. */
  setUp(up: boolean): void {
    this.#up = up
    if (!up) for (const watcher of [...this.#watchers]) watcher.end()
  }

  /** Adds a container, or replaces the one with this id, and reports `action`. */
  putContainer(container: RuntimeContainer, action: string): void {
    this.#containers.set(container.id, container)
    this.#emit({ type: 'container', action, id: container.id, name: container.name, attributes: {} })
  }

  removeContainer(id: string): void {
    const container = this.#containers.get(id)
    if (container === undefined) return
    this.#containers.delete(id)
    this.#emit({ type: 'container', action: 'destroy', id, name: container.name, attributes: {} })
  }

  /** A running container with a new id, attached to a network of this name. */
  startContainer(name: string, networkName: string, attachment: Partial<RuntimeAttachment>): RuntimeContainer {
    const network = [...this.#networks.values()].find((candidate) => candidate.name === networkName)
    if (network === undefined) throw notFound('network', networkName)
    const container: RuntimeContainer = {
      id: this.#newId(),
      name,
      labels: {},
      running: true,
      namespace: `/proc/${this.#nextId++}/ns/net`,
      attachments: [
        {
          networkId: network.id,
          networkName,
          endpointId: this.#newId(),
          ipv4: '',
          ipv6: '',
          mac: '',
          aliases: [],
          ...attachment,
        },
      ],
    }
    this.putContainer(container, 'start')
    return container
  }

  async version(): Promise<RuntimeVersion> {
    this.#mustBeUp()
    return { version: 'fake', apiVersion: '1.41' }
  }

  async networks(filter: { readonly driver?: string }): Promise<readonly RuntimeNetwork[]> {
    this.#mustBeUp()
    return [...this.#networks.values()]
      .filter((network) => filter.driver === undefined || network.driver === filter.driver)
      .sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  async createNetwork(spec: NetworkSpec): Promise<string> {
    this.#mustBeUp()
    for (const network of this.#networks.values()) {
      if (network.name === spec.name) {
        throw new NetpluginError('conflict', 'NETWORK_EXISTS', `network with name ${spec.name} already exists`)
      }
    }
    const id = this.#newId()
    const hasIpv6 = spec.ipv6Subnet !== undefined && spec.ipv6Subnet !== ''
    this.#networks.set(id, {
      id,
      name: spec.name,
      driver: spec.driver,
      labels: spec.labels,
      options: spec.options,
      subnets: [
        { subnet: spec.subnet, ...(spec.gateway ? { gateway: spec.gateway } : {}) },
        ...(hasIpv6
          ? [{ subnet: spec.ipv6Subnet ?? '', ...(spec.ipv6Gateway ? { gateway: spec.ipv6Gateway } : {}) }]
          : []),
      ],
      enableIpv6: hasIpv6,
    })
    this.#emit({ type: 'network', action: 'create', id, name: spec.name, attributes: { type: spec.driver } })
    return id
  }

  async removeNetwork(idOrName: string): Promise<void> {
    this.#mustBeUp()
    const network = [...this.#networks.values()].find(({ id, name }) => id === idOrName || name === idOrName)
    if (network === undefined) throw notFound('network', idOrName)
    for (const container of this.#containers.values()) {
      if (container.running && container.attachments.some(({ networkId }) => networkId === network.id)) {
        throw new NetpluginError('conflict', 'NETWORK_IN_USE', `network ${network.name} has active endpoints`)
      }
    }
    this.#networks.delete(network.id)
    this.#emit({ type: 'network', action: 'destroy', id: network.id, name: network.name, attributes: {} })
  }

  async containers(): Promise<readonly RuntimeContainer[]> {
    this.#mustBeUp()
    return [...this.#containers.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  async container(id: string): Promise<RuntimeContainer | undefined> {
    this.#mustBeUp()
    return this.#containers.get(id)
  }

  async disconnect(networkId: string, containerId: string): Promise<void> {
    this.#mustBeUp()
    const container = this.#containers.get(containerId)
    const attachment = container?.attachments.find((candidate) => candidate.networkId === networkId)
    if (container === undefined || attachment === undefined) return
    const attachments = container.attachments.filter((candidate) => candidate !== attachment)
    this.#containers.set(containerId, { ...container, attachments })
    const attributes = { container: containerId, name: attachment.networkName }
    this.#emit({ type: 'network', action: 'disconnect', id: networkId, name: attachment.networkName, attributes })
  }

  async watch(listener: (event: RuntimeEvent) => void, { opened }: WatchDeps, signal: AbortSignal): Promise<void> {
    this.#mustBeUp()
    if (signal.aborted) return
    await new Promise<void>((resolve) => {
      const watcher = { listener, end: resolve }
      this.#watchers.add(watcher)
      const end = () => {
        this.#watchers.delete(watcher)
        signal.removeEventListener('abort', end)
        resolve()
      }
      watcher.end = end
      signal.addEventListener('abort', end)
      opened()
    })
  }

  #emit(event: RuntimeEvent): void {
    if (!this.#up) return
    for (const { listener } of [...this.#watchers]) listener(event)
  }

  #newId(): string {
    return (this.#nextId++).toString(16).padStart(64, '0')
  }

  #mustBeUp(): void {
    if (!this.#up) throw new NetpluginError('unavailable', 'RUNTIME_UNREACHABLE', 'the fake runtime is down')
  }
}

function notFound(what: string, name: string): NetpluginError {
  return new NetpluginError('not-found', 'RUNTIME_NOT_FOUND', `${what} ${name} not found`)
}
