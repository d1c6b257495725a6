// The host driver for Linux, by netlink. Works on the network namespace in which it was opened.

import { existsSync } from 'node:fs'
import { type HostFacts, type HostStep, ownLinkGroup, ownRouteProtocol } from '../../core/plan/host.ts'
import { canonicalIpv6 } from '../../lib/address.ts'
import { asError, asNetpluginError, type NetpluginError } from '../../lib/errors.ts'
import type { Log } from '../../lib/log.ts'
import {
  disableTxChecksum,
  hasGenericFamily,
  type LinkEvent,
  LinkMonitor,
  Netlink,
  type RouteInfo,
} from '../../protocols/netlink/index.ts'
import type { HostDriver, HostStepResult, Underlay } from './host.ts'
import { LinkMirror } from './link-mirror.ts'
import { runLinkStep } from './link-steps.ts'

type CreateVeth = HostStep & { readonly kind: 'create-veth' }
type ClaimVeth = HostStep & { readonly kind: 'claim-veth' }
type DeleteLink = HostStep & { readonly kind: 'delete-link' }

export class LinuxHost implements HostDriver {
  readonly #netlink: Netlink
  readonly #log: Log
  readonly #mirror = new LinkMirror()
  readonly #listeners = new Set<(event: LinkEvent) => void>()
  readonly #monitor: LinkMonitor
  readonly #hasKernelOpenVswitch: boolean

  private constructor(netlink: Netlink, { log }: { readonly log: Log }) {
    this.#netlink = netlink
    this.#log = log
    this.#hasKernelOpenVswitch = kernelHasOpenVswitch()
    this.#monitor = LinkMonitor.start({ log }, (event) => {
      this.#mirror.take(event)
      // Later, so that no listener runs in the middle of facts() or apply().
      queueMicrotask(() => this.#tell(event))
    })
  }

  /** Opens the network namespace that the thread is in. Needs root. */
  static open(deps: { readonly log: Log }): LinuxHost {
    return new LinuxHost(Netlink.open(), deps)
  }

  facts(): HostFacts {
    this.#update()
    const netlink = this.#netlink
    let routes: readonly RouteInfo[] | undefined
    let foreign: readonly RouteInfo[] | undefined
    return {
      links: this.#mirror.links(),
      addresses: this.#mirror.addresses(),
      // Only when somebody looks at them: there are no events of routes, so they are read each time.
      get routes() {
        routes ??= netlink.routes({ protocol: ownRouteProtocol })
        return routes
      },
      foreignRoutes: () => {
        foreign ??= netlink.routes().filter(({ protocol }) => protocol !== ownRouteProtocol)
        return foreign
      },
      hasKernelOpenVswitch: this.#hasKernelOpenVswitch,
    }
  }

  distrust(): void {
    this.#mirror.distrust()
  }

  apply(steps: readonly HostStep[]): HostStepResult[] {
    const results: HostStepResult[] = []
    for (let at = 0; at < steps.length; ) {
      const deletions = leadingDeletions(steps, at)
      if (deletions.length > 0) results.push(...this.#deleteLinks(deletions))
      else results.push(...steps.slice(at, at + 1).map((step) => ({ step, error: this.#try(step) })))
      at += Math.max(1, deletions.length)
    }
    // Of a new IPv6 address the kernel tells a moment later, from another thread.
    if (steps.some((step) => step.kind === 'add-address')) this.#mirror.distrust()
    for (const { step, error } of results) {
      if (error !== undefined) this.#log.warn('host step failed', { step, code: error.code, reason: error.message })
    }
    return results
  }

  watch(listener: (event: LinkEvent) => void): () => void {
    // A function of our own, so that the same listener may be given twice.
    const own = (event: LinkEvent) => listener(event)
    this.#listeners.add(own)
    return () => void this.#listeners.delete(own)
  }

  underlay(address: string): Underlay | undefined {
    this.#update()
    const wanted = canonicalIpv6(address) ?? address
    const holder = this.#mirror.addresses().find((candidate) => candidate.address === wanted)
    const link = holder === undefined ? undefined : this.#mirror.link(holder.index)
    return link === undefined ? undefined : { device: link.name, mtu: link.mtu }
  }

  forgetNeighbour(address: string): void {
    for (const { index, address: known, fixed } of this.#netlink.neighbours()) {
      if (known !== address || fixed) continue
      try {
        this.#netlink.deleteNeighbour(index, address)
      } catch (error) {
        if (unlessGone(asNetpluginError(error)) !== undefined) throw error
      }
    }
  }

  async close(): Promise<void> {
    this.#listeners.clear()
    await this.#monitor.stop()
    this.#netlink.close()
  }

  #update(): void {
    this.#monitor.drain()
    if (this.#mirror.isStale) this.#mirror.fill(this.#netlink.links(), this.#netlink.addresses())
  }

  #tell(event: LinkEvent): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(event)
      } catch (error) {
        this.#log.error('listener to link events failed', { error: asError(error).message })
      }
    }
  }

  #deleteLinks(steps: readonly DeleteLink[]): HostStepResult[] {
    const errors = this.#netlink.deleteLinks(steps.map((step) => step.index))
    return steps.map((step, index) => ({ step, error: unlessGone(errors[index]) }))
  }

  #try(step: HostStep): NetpluginError | undefined {
    try {
      this.#run(step)
      return undefined
    } catch (error) {
      return step.kind.startsWith('delete-') ? unlessGone(asNetpluginError(error)) : asNetpluginError(error)
    }
  }

  #run(step: HostStep): void {
    switch (step.kind) {
      case 'create-veth':
        this.#createVeth(step)
        break
      case 'claim-veth':
        this.#claimVeth(step)
        break
      case 'disable-tx-checksum':
        disableTxChecksum(step.name)
        break
      case 'delete-link':
        this.#netlink.deleteLink(step.index)
        break
      default:
        runLinkStep(this.#netlink, step)
    }
  }

  /** Up is last: it is the sign that the rest is done. */
  #createVeth({ name, peer, mac, mtu, alias, txChecksum }: CreateVeth): void {
    this.#netlink.createVeth({ name, mtu, alias, group: ownLinkGroup, peer: { name: peer, mac, mtu } })
    if (!txChecksum) for (const end of [name, peer]) disableTxChecksum(end)
    this.#netlink.setLink(name, { up: true })
  }

  #claimVeth({ index, peerIndex, mac, mtu, alias }: ClaimVeth): void {
    const resize = mtu === undefined ? {} : { mtu }
    this.#netlink.setLink(peerIndex, { mac, ...resize })
    this.#netlink.setLink(index, { ...resize, alias })
  }
}

/** The run of `delete-link` steps that starts at `at`: they are cheaper together. */
function leadingDeletions(steps: readonly HostStep[], at: number): DeleteLink[] {
  const run: DeleteLink[] = []
  for (const step of steps.slice(at)) {
    if (step.kind !== 'delete-link') break
    run.push(step)
  }
  return run
}

function unlessGone(error: NetpluginError | undefined): NetpluginError | undefined {
  return error?.kind === 'not-found' ? undefined : error
}

/** Asking for the datapath's netlink family makes the kernel load the module where there is one. */
function kernelHasOpenVswitch(): boolean {
  return existsSync('/sys/module/openvswitch') || hasGenericFamily('ovs_datapath')
}
