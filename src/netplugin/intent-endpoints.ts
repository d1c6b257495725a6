// The endpoints of intents on this host: claimed at netmaster when their container runs here, released when it does not.
// What is asked for follows from the state and from what runs, so that nothing has to be remembered: what netmaster did not
// hear is seen again.

import type { NodeClient } from '../api/node-client.ts'
import type { Runtime } from '../drivers/runtime/runtime.ts'
import { Backoff } from '../lib/backoff.ts'
import type { Clock } from '../lib/clock.ts'
import { asNetpluginError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { Wakeup } from '../lib/wakeup.ts'
import type { ClusterState, EndpointRecord } from '../model/state.ts'
import { type BindingStep, planBindings } from './intent-bindings.ts'
import type { NetworkRef } from './network-ref.ts'
import type { RunningContainers } from './running-containers.ts'

interface Deps {
  readonly client: NodeClient
  readonly runtime: Pick<Runtime, 'disconnect'>
  readonly running: RunningContainers
  readonly clock: Clock
  readonly log: Log
  readonly random: () => number
  readonly state: () => ClusterState | undefined
  /** Whether the state is netmaster's newest: an older one may name endpoints that went elsewhere. */
  readonly inSync: () => boolean
  readonly refOf: (dockerNetwork: string) => NetworkRef | undefined
  readonly lookAgain: () => void
}

/** What was refused is tried again after this long, or when the endpoint or the container has changed. */
const refusedMs = 30_000
/** How long Docker's word may be underway that it has done what it was asked for. */
const echoMs = 1_000

export class IntentEndpoints {
  readonly #node: string
  readonly #deps: Deps
  readonly #wakeup = new Wakeup()
  #dirty = true
  #seen: ClusterState['endpoints'] | undefined
  #endpoints: readonly EndpointRecord[] = []
  /** By endpoint: what was refused or just done, and until when it is not tried again. */
  readonly #tried = new Map<string, { readonly what: string; readonly until: number }>()

  constructor(options: { readonly node: string }, deps: Deps) {
    this.#node = options.node
    this.#deps = deps
  }

  stateChanged(): void {
    this.#wake()
  }

  containersChanged(): void {
    if (this.#ofIntents().length === 0) return
    this.#deps.lookAgain()
    this.#wake()
  }

  /** Where the interfaces of endpoints belong: namespaces by endpoint id, of containers that run here and have them. */
  places(): ReadonlyMap<string, string> {
    const places = new Map<string, string>()
    const running = this.#deps.running.known
    if (running === undefined) return places
    for (const { endpointId, node, containerId } of this.#ofIntents()) {
      const namespace = node === this.#node ? (running.get(containerId)?.namespace ?? '') : ''
      if (namespace !== '') places.set(endpointId, namespace)
    }
    return places
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#deps
    const backoff = new Backoff({ firstMs: 50, maxMs: 2_000, random })
    while (!signal.aborted) {
      if (!this.#dirty) await this.#wakeup.waitAtMost(refusedMs, { clock }, signal)
      this.#dirty = false
      const complete = await this.#pass(signal)
      if (signal.aborted) return
      if (complete) backoff.reset()
      else {
        this.#dirty = true
        await clock.after(backoff.next(), signal).catch(() => {})
      }
    }
  }

  #wake(): void {
    this.#dirty = true
    this.#wakeup.wake()
  }

  #ofIntents(): readonly EndpointRecord[] {
    const endpoints = this.#deps.state()?.endpoints
    if (endpoints !== this.#seen) {
      this.#seen = endpoints
      const found = [...(endpoints?.values() ?? [])].filter(({ origin }) => origin === 'intent')
      this.#endpoints = found.sort((a, b) => (a.endpointId < b.endpointId ? -1 : 1))
    }
    return this.#endpoints
  }

  /** Whether everything was done or refused; otherwise it must be tried again. */
  async #pass(signal: AbortSignal): Promise<boolean> {
    const { running, inSync, refOf } = this.#deps
    const endpoints = this.#ofIntents()
    if (running.known === undefined || !inSync()) return true
    const present = new Set(endpoints.map(({ endpointId }) => endpointId))
    for (const id of this.#tried.keys()) if (!present.has(id)) this.#tried.delete(id)
    const steps = planBindings(endpoints, { node: this.#node, running: running.known, refOf })
    const due = steps.filter((step) => !this.#wasTried(step))
    const done = await Promise.all(due.map((step) => this.#try(step, signal)))
    return !done.includes(false)
  }

  async #try(step: BindingStep, signal: AbortSignal): Promise<boolean> {
    const { log } = this.#deps
    const endpoint = step.endpoint.endpointId
    try {
      await this.#run(step, signal)
      if (step.kind === 'disconnect') this.#put(step, echoMs)
      else this.#tried.delete(endpoint)
      return true
    } catch (error) {
      if (signal.aborted) return true
      const { kind, code, message, retryable } = asNetpluginError(error)
      if (kind === 'not-found') return true
      if (retryable) {
        log.debug('endpoint of an intent not settled, will try again', { endpoint, reason: message })
        return false
      }
      this.#put(step, refusedMs)
      log.warn('endpoint of an intent not attached', { endpoint, step: step.kind, code, reason: message })
      return true
    }
  }

  async #run(step: BindingStep, signal: AbortSignal): Promise<void> {
    const { client, runtime, log } = this.#deps
    const { endpointId, tenantName, networkName, containerName } = step.endpoint
    const names = { endpoint: endpointId, container: containerName }
    switch (step.kind) {
      case 'claim':
        await client.createEndpoint(
          {
            TenantName: tenantName,
            NetworkName: networkName,
            EndpointID: endpointId,
            ConfigEP: { Container: containerName, Host: this.#node, AttachUUID: step.container.id },
            ContainerID: step.container.id,
            Labels: { ...step.container.labels },
          },
          signal,
        )
        log.debug('endpoint of an intent claimed', names)
        break
      case 'release':
        await client.updateEndpoint(
          { EndpointID: endpointId, Event: 'die', ContainerID: step.endpoint.containerId },
          signal,
        )
        log.info('endpoint of an intent released', names)
        break
      case 'disconnect':
        // Docker's event of it has the container read anew, and then the endpoint is claimed.
        await runtime.disconnect(step.dockerNetwork, step.container.id, signal)
        log.info("container taken off Docker's network: an intent gives it an address there", names)
        break
    }
  }

  #put(step: BindingStep, ms: number): void {
    this.#tried.set(step.endpoint.endpointId, { what: summary(step), until: this.#deps.clock.now() + ms })
  }

  #wasTried(step: BindingStep): boolean {
    const tried = this.#tried.get(step.endpoint.endpointId)
    return tried?.what === summary(step) && this.#deps.clock.now() < tried.until
  }
}

/** Equal while trying again would be the same. */
function summary(step: BindingStep): string {
  return JSON.stringify([step.kind, step.endpoint, step.kind === 'release' ? '' : step.container.id])
}
