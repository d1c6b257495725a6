// A container runtime as this system needs it: its networks, its containers and where they are attached, and a stream
// that says when to look again. Implementations: `docker.ts`, `fake.ts`; all of them pass `runtime.contract.ts`.

export interface RuntimeVersion {
  readonly version: string
  /** The version of the interface that is spoken with the runtime. */
  readonly apiVersion: string
}

export interface RuntimeSubnet {
  /** `a.b.c.d/len`, or the same in IPv6. */
  readonly subnet: string
  readonly gateway?: string
}

export interface RuntimeNetwork {
  readonly id: string
  readonly name: string
  readonly driver: string
  readonly labels: Readonly<Record<string, string>>
  readonly options: Readonly<Record<string, string>>
  readonly subnets: readonly RuntimeSubnet[]
  readonly enableIpv6: boolean
}

export interface NetworkSpec {
  readonly name: string
  readonly driver: string
  readonly ipamDriver: string
  readonly subnet: string
  readonly gateway?: string
  readonly ipv6Subnet?: string
  readonly ipv6Gateway?: string
  readonly labels: Readonly<Record<string, string>>
  readonly options: Readonly<Record<string, string>>
  readonly ipamOptions: Readonly<Record<string, string>>
  /** No way out of the network. */
  readonly internal?: boolean
}

/** Fields that a stopped container, or a network without IPv6, does not have are empty. */
export interface RuntimeAttachment {
  readonly networkId: string
  readonly networkName: string
  readonly endpointId: string
  readonly ipv4: string
  readonly ipv6: string
  readonly mac: string
  /** Names that the user gave it in this network, sorted; without the container's name and id. */
  readonly aliases: readonly string[]
}

export interface RuntimeContainer {
  readonly id: string
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  /** True also while paused. */
  readonly running: boolean
  /**
   * Path of its network namespace as this process reaches it; empty when it does not run. True only as long as the
   * runtime says that the container runs: afterwards the path may lead to somebody else's.
   */
  readonly namespace: string
  /** Sorted by network name. */
  readonly attachments: readonly RuntimeAttachment[]
}

export interface RuntimeEvent {
  readonly type: 'container' | 'network'
  /** The runtime's word: `start`, `die`, `rename`, `create`, `destroy`, `connect` … */
  readonly action: string
  readonly id: string
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
}

export interface WatchDeps {
  /** Called once events are being received: what is read after this call is not older than the first event. */
  readonly opened: () => void
}

/**
 * Errors of every method: `unavailable` when the runtime does not answer, `not-found`, `conflict`, `invalid`. None of
 * them may be called while answering a call that the runtime made: it may hold a lock that the answer needs.
 */
export interface Runtime {
  version(signal: AbortSignal): Promise<RuntimeVersion>
  /** Sorted by name. */
  networks(filter: { readonly driver?: string }, signal: AbortSignal): Promise<readonly RuntimeNetwork[]>
  /** The id of the new network. `conflict` NETWORK_EXISTS when the name is taken. */
  createNetwork(spec: NetworkSpec, signal: AbortSignal): Promise<string>
  /** `conflict` NETWORK_IN_USE while containers are attached. */
  removeNetwork(idOrName: string, signal: AbortSignal): Promise<void>
  /** Running and stopped, sorted by name. */
  containers(signal: AbortSignal): Promise<readonly RuntimeContainer[]>
  container(id: string, signal: AbortSignal): Promise<RuntimeContainer | undefined>
  /** Takes a running container off a network. A container that is not on it, or gone, is no error. */
  disconnect(networkId: string, containerId: string, signal: AbortSignal): Promise<void>
  /**
   * Reports events until the runtime ends the stream (resolves; connect again) or the signal aborts (resolves). Events
   * only say "look again"; some may be lost between two watches.
   */
  watch(listener: (event: RuntimeEvent) => void, deps: WatchDeps, signal: AbortSignal): Promise<void>
}
