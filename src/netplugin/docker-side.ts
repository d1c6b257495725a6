// Keeps Docker and the cluster agreeing on this host: Docker networks follow the cluster's, the names and labels of
// containers are told to netmaster, and endpoints whose containers Docker no longer has are given up (a plugin that was
// down is never told what it missed).

import type { NodeClient } from '../api/node-client.ts'
import type { Runtime, RuntimeAttachment, RuntimeContainer, RuntimeEvent } from '../drivers/runtime/runtime.ts'
import { Backoff } from '../lib/backoff.ts'
import type { Clock } from '../lib/clock.ts'
import { asNetpluginError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { Wakeup } from '../lib/wakeup.ts'
import { isCni } from '../model/cni-endpoint.ts'
import { isHosts } from '../model/host-endpoint.ts'
import type { ClusterState, EndpointRecord } from '../model/state.ts'
import type { DockerNetworks } from './docker-networks.ts'
import type { Outbox } from './outbox.ts'
import type { RunningContainers } from './running-containers.ts'

interface Deps {
  readonly runtime: Runtime
  readonly networks: DockerNetworks
  readonly client: NodeClient
  readonly outbox: Outbox
  /** Told which containers run. */
  readonly running: RunningContainers
  readonly clock: Clock
  readonly log: Log
  readonly random: () => number
  readonly state: () => ClusterState | undefined
  readonly mayRemove: () => boolean
  /** Called when Docker has all networks of this revision, or cannot have them. */
  readonly onNetworks: (revision: number) => void
  /** Whether a Docker network is one of ours. */
  readonly isOurs: (networkId: string) => boolean
  readonly lookAgain: () => void
}

/** How often everything is compared although no event came. */
const compareMs = 30_000
/** How soon again when that failed. */
const compareAgainMs = 5_000
/** An endpoint whose container is not known to have ended is given up when Docker did not have it in two looks this far apart. */
const graceMs = 10_000

export class DockerSide {
  readonly #node: string
  readonly #deps: Deps
  /** Since when Docker does not have an endpoint of this node, by id. */
  #missing: Map<string, number> = new Map()
  /** Since when the cluster does not have an endpoint that Docker has, by id. */
  #orphans: Map<string, number> = new Map()
  #networksDirty = true
  readonly #networksWakeup = new Wakeup()
  readonly #compareWakeup = new Wakeup()
  #seen: ClusterState | undefined
  #reconciling = false
  /** Whether the last look could give up anything. */
  #couldRemove = false

  constructor(options: { readonly node: string }, deps: Deps) {
    this.#node = options.node
    this.#deps = deps
  }

  /** The cluster state changed: look whether Docker's networks must follow. */
  stateChanged(): void {
    const state = this.#deps.state()
    if (state === undefined) return
    if (!this.#couldRemove && this.#deps.mayRemove()) this.#compareWakeup.wake()
    if (sameNetworks(this.#seen, state)) {
      if (!this.#networksDirty && !this.#reconciling) this.#deps.onNetworks(state.revision)
      return
    }
    this.#networksDirty = true
    this.#networksWakeup.wake()
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#followNetworks(signal), this.#followContainers(signal)])
  }

  async #followNetworks(signal: AbortSignal): Promise<void> {
    const { networks, clock, log, random, onNetworks } = this.#deps
    const backoff = new Backoff({ firstMs: 100, maxMs: 2_000, random })
    let lastReason = ''
    while (!signal.aborted) {
      const state = this.#deps.state()
      if (state === undefined || !this.#networksDirty) {
        await this.#networksWakeup.waitAtMost(compareMs, { clock }, signal)
        this.#networksDirty = true
        continue
      }
      this.#networksDirty = false
      this.#reconciling = true
      this.#seen = state
      try {
        const { complete } = await networks.reconcile(state, this.#deps.mayRemove(), signal)
        lastReason = ''
        const newest = this.#deps.state()
        onNetworks(newest !== undefined && sameNetworks(state, newest) ? newest.revision : state.revision)
        if (complete) {
          backoff.reset()
          continue
        }
      } catch (error) {
        if (signal.aborted) return
        const { code, message } = asNetpluginError(error)
        if (message !== lastReason)
          log.warn('Docker networks not up to date, will try again', { code, reason: message })
        lastReason = message
        // A host without a running Docker has nothing to wait for.
        onNetworks(state.revision)
      } finally {
        this.#reconciling = false
      }
      this.#networksDirty = true
      await clock.after(backoff.next(), signal).catch(() => {})
    }
  }

  async #followContainers(signal: AbortSignal): Promise<void> {
    const { runtime, clock, log, random } = this.#deps
    const backoff = new Backoff({ firstMs: 100, maxMs: 2_000, random })
    while (!signal.aborted) {
      const ended = new AbortController()
      let comparing: Promise<void> | undefined
      const opened = () => {
        backoff.reset()
        comparing = this.#keepComparing(AbortSignal.any([signal, ended.signal]))
      }
      try {
        await runtime.watch((event) => this.#onEvent(event, signal), { opened }, signal)
      } catch (error) {
        log.debug('Docker events not available, will try again', { reason: asNetpluginError(error).message })
      } finally {
        ended.abort()
        await comparing
        this.#deps.running.forget()
      }
      await clock.after(backoff.next(), signal).catch(() => {})
    }
  }

  async #keepComparing(signal: AbortSignal): Promise<void> {
    const { clock, log, mayRemove } = this.#deps
    while (!signal.aborted) {
      let pauseMs = compareMs
      try {
        await this.#compareAll(signal)
        if (this.#missing.size > 0 || this.#waitsForOrphans()) pauseMs = graceMs
        else if (!mayRemove()) pauseMs = compareAgainMs
      } catch (error) {
        if (signal.aborted) return
        pauseMs = compareAgainMs
        log.warn('containers not compared, will try again', { reason: asNetpluginError(error).message })
      }
      await this.#compareWakeup.waitAtMost(pauseMs, { clock }, signal)
    }
  }

  #onEvent(event: RuntimeEvent, signal: AbortSignal): void {
    const { type, action } = event
    const container =
      type === 'container' && ['start', 'rename'].includes(action)
        ? event.id
        : type === 'network' && ['connect', 'disconnect'].includes(action)
          ? event.attributes.container
          : undefined
    if (type === 'container' && ['die', 'destroy'].includes(action)) this.#deps.running.ended(event.id)
    if (event.type === 'network' && event.action === 'destroy') {
      this.#networksDirty = true
      this.#networksWakeup.wake()
    }
    if (container !== undefined) void this.#readContainer(container, signal)
  }

  /** Never rejects: what fails here is made up for by comparing everything. */
  async #readContainer(id: string, signal: AbortSignal): Promise<void> {
    const { runtime, running } = this.#deps
    const asked = running.ask()
    try {
      const container = await runtime.container(id, signal)
      if (container === undefined) return running.ended(id)
      running.take(container, asked)
      for (const attachment of container.attachments) await this.#tell(container, attachment, signal)
    } catch (error) {
      this.#deps.log.debug('container not followed', { container: id, reason: asNetpluginError(error).message })
      this.#compareWakeup.wake()
    }
  }

  async #compareAll(signal: AbortSignal): Promise<void> {
    const { runtime, state, clock, mayRemove, running } = this.#deps
    const attached = new Set<string>()
    const asked = running.ask()
    const containers = await runtime.containers(signal)
    running.takeAll(containers, asked)
    for (const container of containers) {
      for (const attachment of container.attachments) {
        if (attachment.endpointId === '') continue
        attached.add(attachment.endpointId)
        await this.#tell(container, attachment, signal)
      }
    }
    this.#couldRemove = mayRemove()
    if (!this.#couldRemove) return
    const now = clock.now()
    this.#lookForOrphans(containers, now)
    const before = this.#missing
    this.#missing = new Map()
    for (const endpoint of state()?.endpoints.values() ?? []) {
      // Those of intents, the host's own, and those that came by CNI have no endpoint of Docker's.
      if (endpoint.origin === 'intent' || isHosts(endpoint) || isCni(endpoint)) continue
      if (endpoint.node !== this.#node || attached.has(endpoint.endpointId)) continue
      const since = before.get(endpoint.endpointId) ?? now
      this.#missing.set(endpoint.endpointId, since)
      if (now - since >= graceMs || (await this.#hasEnded(endpoint, signal))) await this.#giveUp(endpoint, signal)
    }
  }

  /** Whether the container that the endpoint was of is gone, or stopped. One that has not been told may be starting. */
  async #hasEnded({ endpointId, containerId }: EndpointRecord, signal: AbortSignal): Promise<boolean> {
    if (containerId === '') return false
    const container = await this.#deps.runtime.container(containerId, signal)
    if (container === undefined) return true
    return !container.running && !container.attachments.some((attachment) => attachment.endpointId === endpointId)
  }

  #waitsForOrphans(): boolean {
    return [...this.#orphans.values()].some(Number.isFinite)
  }

  /** The cluster took this host for dead while it was away: its addresses may be others' by now. */
  #lookForOrphans(containers: readonly RuntimeContainer[], now: number): void {
    const { state, isOurs, outbox, log } = this.#deps
    const before = this.#orphans
    this.#orphans = new Map()
    for (const { running, name, attachments } of containers) {
      for (const { endpointId, networkId, ipv4 } of attachments) {
        const isKnown = endpointId === '' || !isOurs(networkId) || outbox.detached.has(endpointId)
        if (!running || isKnown || state()?.endpoints.has(endpointId) !== false) continue
        const since = before.get(endpointId) ?? now
        // Said once.
        this.#orphans.set(endpointId, now - since >= graceMs ? Number.POSITIVE_INFINITY : since)
        if (now - since < graceMs) continue
        log.error('container has no network any more: the cluster gave up its endpoint; restart it', { name, ipv4 })
      }
    }
  }

  async #giveUp(endpoint: EndpointRecord, signal: AbortSignal): Promise<void> {
    this.#deps.log.info('endpoint without a container given up', { endpoint: endpoint.endpointId, ipv4: endpoint.ipv4 })
    const request = { EndpointID: endpoint.endpointId, ReleaseAddresses: true }
    await this.#deps.outbox.deliver({ op: 'delete-endpoint', request }, signal)
    this.#deps.lookAgain()
  }

  async #tell(container: RuntimeContainer, attachment: RuntimeAttachment, signal: AbortSignal): Promise<void> {
    const { client, state, isOurs } = this.#deps
    if (attachment.endpointId === '') return
    const known = state()?.endpoints.get(attachment.endpointId)
    if (known === undefined && !isOurs(attachment.networkId)) return
    if (known !== undefined && saysTheSame(known, container, attachment)) return
    await client
      .updateEndpoint(
        {
          EndpointID: attachment.endpointId,
          Event: 'start',
          ContainerID: container.id,
          ContainerName: container.name,
          Aliases: [...attachment.aliases],
          Labels: { ...container.labels },
        },
        signal,
      )
      .catch((error: unknown) => {
        // One that stopped meanwhile.
        if (asNetpluginError(error).kind !== 'not-found') throw error
      })
  }
}

function sameNetworks(a: ClusterState | undefined, b: ClusterState): boolean {
  return a?.networks === b.networks && a.groups === b.groups
}

function saysTheSame(known: EndpointRecord, container: RuntimeContainer, attachment: RuntimeAttachment): boolean {
  return (
    known.containerId === container.id &&
    known.containerName === container.name &&
    known.aliases.join(' ') === attachment.aliases.join(' ') &&
    JSON.stringify(known.labels) === JSON.stringify(container.labels)
  )
}
