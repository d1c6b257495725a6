// Endpoints of CNI and their containers, compared now and then. A container may have gone without a word, because the runtime was
// killed or the host was: its endpoint is given up when the path of its namespace is gone and nothing is over its link, in two looks
// some seconds apart. And a link may have been made anew, because somebody deleted it: its container gets its interface back.

import { findPeer } from '../core/plan/veths.ts'
import type { HostDriver } from '../drivers/host/host.ts'
import type { Clock } from '../lib/clock.ts'
import { asNetpluginError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { cniNamespaceLabel, deviceOf, isCni } from '../model/cni-endpoint.ts'
import type { ClusterState, EndpointRecord } from '../model/state.ts'
import { portOfPeer } from './port-reserve.ts'

interface Deps {
  readonly state: () => ClusterState | undefined
  /** Whether a complete state was seen. */
  readonly mayRemove: () => boolean
  readonly host: Pick<HostDriver, 'facts'>
  /** The link of an endpoint that forwards. */
  readonly linkOf: (endpointId: string) => string | undefined
  /** Endpoints that a call is about. */
  readonly busy: () => ReadonlySet<string>
  readonly exists: (path: string) => boolean
  readonly giveUp: (endpointId: string) => Promise<void>
  /** Puts the interface of an endpoint into its container again, where it is missing; whether it was. */
  readonly restore: (endpointId: string, record: EndpointRecord) => Promise<boolean>
  readonly clock: Clock
  readonly log: Log
}

const lookMs = 10_000

export class CniLeftovers {
  readonly #node: string
  readonly #deps: Deps
  /** Seen to be without a container in the last look. */
  #suspects: ReadonlySet<string> = new Set()

  constructor(options: { readonly node: string }, deps: Deps) {
    this.#node = options.node
    this.#deps = deps
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, mayRemove } = this.#deps
    while (!signal.aborted) {
      await clock.after(lookMs, signal).catch(() => {})
      if (!signal.aborted && mayRemove()) await this.look()
    }
  }

  async look(): Promise<void> {
    const { state, busy, giveUp, log } = this.#deps
    const before = this.#suspects
    const suspects = new Set<string>()
    for (const record of state()?.endpoints.values() ?? []) {
      const { endpointId: id, node, labels } = record
      // A VM that is off may come back: its device is somebody's to detach.
      if (node !== this.#node || !isCni(record) || deviceOf(record) !== '') continue
      if (busy().has(id)) continue
      if (this.#isThere(id, labels)) {
        await this.#restore(id, record)
        continue
      }
      if (!before.has(id)) {
        suspects.add(id)
        continue
      }
      log.info('endpoint without a container given up', { endpoint: id, ipv4: record.ipv4 })
      await giveUp(id).catch((error: unknown) => {
        log.warn('endpoint not given up, will try again', { endpoint: id, reason: asNetpluginError(error).message })
        suspects.add(id)
      })
    }
    this.#suspects = suspects
  }

  async #restore(id: string, record: EndpointRecord): Promise<void> {
    const { log, restore } = this.#deps
    const netns = record.labels[cniNamespaceLabel] ?? ''
    // The number of a process may be another's by now.
    if (netns.startsWith('/proc/') || this.#isCovered(id) !== false) return
    try {
      if (await restore(id, record)) log.info('interface put back', { endpoint: id, netns })
    } catch (error) {
      log.warn('interface not put back, will try again', { endpoint: id, reason: asNetpluginError(error).message })
    }
  }

  #isThere(id: string, labels: Readonly<Record<string, string>>): boolean {
    // A name may go before its namespace does.
    return this.#deps.exists(labels[cniNamespaceLabel] ?? '') || this.#isCovered(id) !== false
  }

  /** Whether an interface that is up is over the endpoint's link, or its other end is in a container itself; undefined: not in force. */
  #isCovered(id: string): boolean | undefined {
    const { host, linkOf } = this.#deps
    const peerName = linkOf(id)
    if (peerName === undefined) return undefined
    const facts = host.facts()
    const hostEnd = facts.links.get(portOfPeer(peerName))
    if (hostEnd === undefined) return false
    const lower = findPeer(peerName, hostEnd, facts)
    return lower === undefined || lower.link.promiscuity !== undefined
  }
}
