// Namespaces of containers on Linux: entered for one call at a time, left before anything else can run.

import { closeSync } from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { findOver } from '../../core/plan/container.ts'
import type { FarEnd } from '../../core/plan/veths.ts'
import { asNetpluginError, NetpluginError } from '../../lib/errors.ts'
import {
  inNamespace,
  isSameNamespace,
  type LinkInfo,
  Netlink,
  openNamespace,
  withNetlink,
} from '../../protocols/netlink/index.ts'
import type { ContainerStep, ContainerStepResult, Containers, InterfaceWish, NamespaceFacts } from './containers.ts'
import type { OpenFarNamespace } from './far-namespace.ts'
import { setKernel } from './kernel-settings.ts'
import { runLinkStep } from './link-steps.ts'

const ownNamespace = '/proc/self/ns/net'

interface Options {
  /** Missing: there is none. */
  readonly far?: Pick<OpenFarNamespace, 'fd' | 'netlink'> | undefined
}

export class LinuxContainers implements Containers {
  readonly #far: Options['far']

  constructor({ far }: Options = {}) {
    this.#far = far
  }

  look(namespace: string): NamespaceFacts {
    return this.#inside(namespace, (netlink) => ({
      links: new Map(netlink.links().map((link) => [link.name, link])),
      addresses: netlink.addresses(),
      routes: netlink.routes(),
    }))
  }

  visit(namespace: string): void {
    this.#withForeign(namespace, () => {})
  }

  moveIn(end: FarEnd, namespace: string): void {
    // The kernel moves it first.
    const change = (namespaceFd: number) => ({ namespaceFd, arp: true })
    this.#withForeign(namespace, (fd) => this.#withEnd(end, (netlink) => netlink.setLink(end.link.index, change(fd))))
  }

  putOver(lower: FarEnd, namespace: string, { name, mac, mtu }: InterfaceWish): LinkInfo {
    const { link } = lower
    return this.#withForeign(namespace, (namespaceFd) => {
      this.#withEnd(lower, (netlink) => {
        // Before there is something over it, whose first words would be in another's name.
        if (!lower.isFar) {
          silence(link.name)
          netlink.setLink(link.index, { mac, arp: false })
        } else if (link.mac !== mac.toLowerCase()) netlink.setLink(link.index, { mac })
        try {
          netlink.createMacvlan({ name, mtu, lowerIndex: link.index, namespaceFd })
        } catch (error) {
          throw withoutMacvlan(asNetpluginError(error))
        }
        if (!link.up) netlink.setLink(link.index, { up: true })
      })
      const made = inNamespace(namespaceFd, () => withNetlink((netlink) => netlink.link(name)))
      if (made !== undefined) return made
      throw new NetpluginError('unavailable', 'INTERFACE_LOST', `${name} was taken away again; try once more`)
    })
  }

  async removeOver({ link: lower }: FarEnd, namespace: string): Promise<{ readonly finished: Promise<boolean> }> {
    // Sockets stay in the namespace they were opened in: one works, the other looks.
    const [working, looking] = this.#withForeign(namespace, (fd) =>
      inNamespace(fd, () => [Netlink.open(), Netlink.open()]),
    )
    const over = findOver(lower, lower.mac, { links: new Map(looking.links().map((link) => [link.name, link])) })
    let isOver = false
    const deleted = over === undefined ? undefined : working.deleteLinkAside(over.index)
    const finished = Promise.resolve(deleted?.then(() => true) ?? false).finally(() => {
      isOver = true
      working.close()
    })
    // Whoever waits for it hears of it.
    finished.catch(() => {})
    try {
      while (over !== undefined && !isOver && looking.link(over.index) !== undefined) await nextTurn()
    } finally {
      looking.close()
    }
    return { finished }
  }

  apply(namespace: string, steps: readonly ContainerStep[]): ContainerStepResult[] {
    return this.#inside(namespace, (netlink) => steps.map((step) => ({ step, error: tryStep(netlink, step) })))
  }

  #inside<T>(namespace: string, work: (netlink: Netlink) => T): T {
    return this.#withForeign(namespace, (fd) => inNamespace(fd, () => withNetlink(work)))
  }

  /** Runs the work with a connection to the namespace that the end is in. */
  #withEnd({ isFar }: FarEnd, work: (netlink: Netlink) => void): void {
    if (isFar && this.#far !== undefined) work(this.#far.netlink)
    else withNetlink(work)
  }

  /** Runs the work with a descriptor of the namespace. */
  #withForeign<T>(namespace: string, work: (fd: number) => T): T {
    const fd = openNamespace(namespace)
    try {
      const refuse = (why: string) => {
        throw new NetpluginError('conflict', 'NAMESPACE_OF_HOST', why, { details: { namespace } })
      }
      const path = pathOf(fd)
      if (isSameNamespace(path, ownNamespace)) {
        refuse("the container has the host's own network; start it with --net=none or on a network")
      }
      if (this.#far !== undefined && isSameNamespace(path, pathOf(this.#far.fd))) {
        refuse('that network namespace is for the ends of links; name the one of a container')
      }
      return work(fd)
    } finally {
      closeSync(fd)
    }
  }
}

function pathOf(fd: number): string {
  return `/proc/self/fd/${fd}`
}

function tryStep(netlink: Netlink, step: ContainerStep): NetpluginError | undefined {
  try {
    runStep(netlink, step)
    return undefined
  } catch (error) {
    const failure = asNetpluginError(error)
    return step.kind.startsWith('delete-') && failure.kind === 'not-found' ? undefined : failure
  }
}

function runStep(netlink: Netlink, step: ContainerStep): void {
  if (step.kind === 'rename-link') netlink.setLink(step.index, { name: step.name })
  else {
    if (step.kind === 'add-address' && step.address.includes(':')) allowIpv6(step.name)
    runLinkStep(netlink, step)
  }
}

/** Runtimes switch IPv6 off in containers that they gave no IPv6 address. The path means the namespace one is in. */
function allowIpv6(device: string): void {
  setKernel(`ipv6/conf/${device}/disable_ipv6`, '0')
}

/** The kernel hands broadcasts to the host, too, which must not take them: they are another's. */
function silence(device: string): void {
  setKernel(`ipv6/conf/${device}/disable_ipv6`, '1')
  // What has a source that is not reached by this device, which is any, is dropped.
  setKernel(`ipv4/conf/${device}/rp_filter`, '1')
}

function withoutMacvlan(error: NetpluginError): NetpluginError {
  if (error.code !== 'NETLINK_EOPNOTSUPP') return error
  const message = 'the kernel has no macvlan devices; load the module macvlan'
  return new NetpluginError('unavailable', 'NO_MACVLAN', message, { cause: error })
}
