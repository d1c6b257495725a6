// Endpoints of CNI whose containers went without a word: the runtime was killed, or the host was. An endpoint is given up when
// the path of its namespace is gone and nothing is over its link, in two looks some seconds apart.

import { findPeer } from '../core/plan/host.ts'
import type { HostDriver } from '../drivers/host/host.ts'
import type { Clock } from '../lib/clock.ts'
import { asNetpluginError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { cniNamespaceLabel, deviceOf, isCni } from '../model/cni-endpoint.ts'
import type { ClusterState } from '../model/state.ts'
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
      if (busy().has(id) || this.#isThere(id, labels)) continue
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

  #isThere(id: string, labels: Readonly<Record<string, string>>): boolean {
    const { host, linkOf, exists } = this.#deps
    if (exists(labels[cniNamespaceLabel] ?? '')) return true
    const peerName = linkOf(id)
    // Not in force yet: it will be seen then.
    if (peerName === undefined) return true
    const { links } = host.facts()
    const hostEnd = links.get(portOfPeer(peerName))
    const lower = hostEnd && findPeer(peerName, hostEnd, links)
    // The other end is in a container itself, or the interface over it is: a name may go before its namespace does.
    return hostEnd !== undefined && (lower === undefined || lower.promiscuity !== undefined)
  }
}
