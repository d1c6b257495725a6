// The host driver for Linux, by netlink. Works on the network namespace in which it was opened, and on the far namespace.

import { existsSync } from 'node:fs'
import { type HostFacts, type HostStep, ownRouteProtocol } from '../../core/plan/host.ts'
import { farAlias, ownLinkGroup } from '../../core/plan/veths.ts'
import { canonicalIpv6 } from '../../lib/address.ts'
import { asError, asNetpluginError, NetpluginError } from '../../lib/errors.ts'
import type { Log } from '../../lib/log.ts'
import {
  disableTxChecksum,
  hasGenericFamily,
  type LinkEvent,
  LinkMonitor,
  Netlink,
  type RouteInfo,
} from '../../protocols/netlink/index.ts'
import { FarLinks } from './far-links.ts'
import type { OpenFarNamespace } from './far-namespace.ts'
import type { HostDriver, HostStepResult, Underlay } from './host.ts'
import { LinkMirror } from './link-mirror.ts'
import { runLinkStep } from './link-steps.ts'

type CreateVeth = HostStep & { readonly kind: 'create-veth' }
type ClaimVeth = HostStep & { readonly kind: 'claim-veth' }
type DeleteLink = HostStep & { readonly kind: 'delete-link' }

interface Options {
  /** Missing: none, and far ends lie where all else is. The caller closes it, afterwards. */
  readonly far?: OpenFarNamespace | undefined
}

export class LinuxHost implements HostDriver {
  readonly #netlink: Netlink
  readonly #far: FarLinks | undefined
  readonly #log: Log
  readonly #mirror = new LinkMirror()
  readonly #listeners = new Set<(event: LinkEvent) => void>()
  readonly #monitor: LinkMonitor
  readonly #hasKernelOpenVswitch: boolean

  private constructor(netlink: Netlink, { far }: Options, { log }: { readonly log: Log }) {
    this.#netlink = netlink
    this.#far = far === undefined ? undefined : new FarLinks(far, { log })
    this.#log = log
    this.#hasKernelOpenVswitch = kernelHasOpenVswitch()
    this.#monitor = LinkMonitor.start({ log }, (event) => {
      this.#mirror.take(event)
      // Later, so that no listener runs in the middle of facts() or apply().
      queueMicrotask(() => this.#tell(event))
    })
  }

  /** Opens the network namespace that the thread is in. Needs root. */
  static open(options: Options, deps: { readonly log: Log }): LinuxHost {
    return new LinuxHost(Netlink.open(), options, deps)
  }

  facts(): HostFacts {
    this.#update()
    const netlink = this.#netlink
    let routes: readonly RouteInfo[] | undefined
    let foreign: readonly RouteInfo[] | undefined
    return {
      links: this.#mirror.links(),
      ...(this.#far === undefined ? {} : { farLinks: this.#far.links() }),
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
    this.#far?.distrust()
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
    await Promise.all([this.#monitor.stop(), this.#far?.stop()])
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
        if (step.isFar === true) this.#farOf(step).inside(() => disableTxChecksum(step.name))
        else disableTxChecksum(step.name)
        break
      case 'delete-link':
        this.#netlink.deleteLink(step.index)
        break
      case 'set-link':
        runLinkStep(step.isFar === true ? this.#farOf(step).netlink : this.#netlink, step)
        break
      default:
        runLinkStep(this.#netlink, step)
    }
  }

  /** Up is last: it is the sign that the rest is done. */
  #createVeth({ name, peer, mac, mtu, alias, txChecksum, ...step }: CreateVeth): void {
    const far = step.isFar === true ? this.#farOf(step) : undefined
    const ends = { name, mtu, group: ownLinkGroup, peer: { name: peer, mac, mtu } }
    if (far === undefined) this.#netlink.createVeth({ ...ends, alias })
    else {
      this.#netlink.createVeth({ ...ends, alias: farAlias, peer: { ...ends.peer, namespaceFd: far.fd } })
      far.netlink.setLink(peer, { alias, arp: false, up: true })
    }
    if (!txChecksum) {
      disableTxChecksum(name)
      if (far === undefined) disableTxChecksum(peer)
      else far.inside(() => disableTxChecksum(peer))
    }
    this.#netlink.setLink(name, { up: true })
  }

  #claimVeth({ index, peerIndex, mac, mtu, alias, ...step }: ClaimVeth): void {
    const resize = mtu === undefined ? {} : { mtu }
    const change = mac === undefined ? resize : { ...resize, mac }
    if (step.isFar === true) {
      if (mtu !== undefined) this.#netlink.setLink(index, { mtu })
      this.#farOf(step).netlink.setLink(peerIndex, { ...change, alias })
      return
    }
    if (Object.keys(change).length > 0) this.#netlink.setLink(peerIndex, change)
    this.#netlink.setLink(index, { ...resize, alias })
  }

  #farOf({ kind }: Pick<HostStep, 'kind'>): FarLinks {
    if (this.#far !== undefined) return this.#far
    throw new NetpluginError('internal', 'NO_FAR_NAMESPACE', `${kind} is for the far namespace, and there is none`)
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
