// The links of the far namespace, as the host driver knows them. Nobody is told of their changes: they are our own.

import type { Log } from '../../lib/log.ts'
import { inNamespace, type LinkInfo, LinkMonitor, type Netlink } from '../../protocols/netlink/index.ts'
import type { OpenFarNamespace } from './far-namespace.ts'
import { LinkMirror } from './link-mirror.ts'

export class FarLinks {
  readonly #namespace: OpenFarNamespace
  readonly #mirror = new LinkMirror()
  readonly #monitor: LinkMonitor

  constructor(namespace: OpenFarNamespace, deps: { readonly log: Log }) {
    this.#namespace = namespace
    this.#monitor = this.inside(() => LinkMonitor.start(deps, (event) => this.#mirror.take(event)))
  }

  get fd(): number {
    return this.#namespace.fd
  }

  /** A connection in the namespace. */
  get netlink(): Netlink {
    return this.#namespace.netlink
  }

  /** By name; the same map until something changes. */
  links(): ReadonlyMap<string, LinkInfo> {
    this.#monitor.drain()
    if (this.#mirror.isStale) this.#mirror.fill(this.netlink.links(), [])
    return this.#mirror.links()
  }

  /** Has everything read again, and the namespace looked after. */
  distrust(): void {
    this.#mirror.distrust()
    this.#namespace.keep()
  }

  /** Runs the work in the namespace. */
  inside<T>(work: () => T): T {
    return inNamespace(this.fd, work)
  }

  stop(): Promise<void> {
    return this.#monitor.stop()
  }
}
