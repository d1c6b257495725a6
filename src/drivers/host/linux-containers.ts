// Namespaces of containers on Linux: entered for one call at a time, left before anything else can run.

import { closeSync, existsSync, statSync, writeFileSync } from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { asNetpluginError, NetpluginError } from '../../lib/errors.ts'
import { inNamespace, type LinkInfo, Netlink, openNamespace, withNetlink } from '../../protocols/netlink/index.ts'
import type {
  ContainerStep,
  ContainerStepResult,
  Containers,
  InterfaceWish,
  LowerLink,
  NamespaceFacts,
} from './containers.ts'
import { runLinkStep } from './link-steps.ts'

const ownNamespace = '/proc/self/ns/net'

export class LinuxContainers implements Containers {
  look(namespace: string): NamespaceFacts {
    return inside(namespace, (netlink) => ({
      links: new Map(netlink.links().map((link) => [link.name, link])),
      addresses: netlink.addresses(),
      routes: netlink.routes(),
    }))
  }

  visit(namespace: string): void {
    withForeign(namespace, () => {})
  }

  moveIn(index: number, namespace: string): void {
    withForeign(namespace, (namespaceFd) => withNetlink((netlink) => netlink.setLink(index, { namespaceFd })))
  }

  putOver(lower: LowerLink, namespace: string, { name, mac, mtu }: InterfaceWish): LinkInfo {
    return withForeign(namespace, (namespaceFd) => {
      withNetlink((netlink) => {
        silence(lower.name)
        // Before there is something over it, whose first words would be in another's name.
        netlink.setLink(lower.index, { mac, arp: false })
        try {
          netlink.createMacvlan({ name, mtu, lowerIndex: lower.index, namespaceFd })
        } catch (error) {
          throw withoutMacvlan(asNetpluginError(error))
        }
        netlink.setLink(lower.index, { up: true })
      })
      const made = inNamespace(namespaceFd, () => withNetlink((netlink) => netlink.link(name)))
      if (made !== undefined) return made
      throw new NetpluginError('unavailable', 'INTERFACE_LOST', `${name} was taken away again; try once more`)
    })
  }

  async removeOver(lower: LowerLink, namespace: string): Promise<{ readonly finished: Promise<boolean> }> {
    // Sockets stay in the namespace they were opened in: one works, the other looks.
    const [working, looking] = withForeign(namespace, (fd) => inNamespace(fd, () => [Netlink.open(), Netlink.open()]))
    const over = looking.links().find(({ kind, peerIndex }) => kind === 'macvlan' && peerIndex === lower.index)
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
    return inside(namespace, (netlink) => steps.map((step) => ({ step, error: tryStep(netlink, step) })))
  }
}

function inside<T>(namespace: string, work: (netlink: Netlink) => T): T {
  return withForeign(namespace, (fd) => inNamespace(fd, () => withNetlink(work)))
}

/** Runs the work with a descriptor of the namespace. */
function withForeign<T>(namespace: string, work: (fd: number) => T): T {
  const fd = openNamespace(namespace)
  try {
    const there = statSync(`/proc/self/fd/${fd}`)
    const here = statSync(ownNamespace)
    if (there.ino === here.ino && there.dev === here.dev) {
      const message = "the container has the host's own network; start it with --net=none or on a network"
      throw new NetpluginError('conflict', 'NAMESPACE_OF_HOST', message, { details: { namespace } })
    }
    return work(fd)
  } finally {
    closeSync(fd)
  }
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
  set(`ipv6/conf/${device}/disable_ipv6`, '0')
}

/** The kernel hands broadcasts to the host, too, which must not take them: they are another's. */
function silence(device: string): void {
  set(`ipv6/conf/${device}/disable_ipv6`, '1')
  // What has a source that is not reached by this device, which is any, is dropped.
  set(`ipv4/conf/${device}/rp_filter`, '1')
}

function set(name: string, value: string): void {
  const path = `/proc/sys/net/${name}`
  if (existsSync(path)) writeFileSync(path, value)
}

function withoutMacvlan(error: NetpluginError): NetpluginError {
  if (error.code !== 'NETLINK_EOPNOTSUPP') return error
  const message = 'the kernel has no macvlan devices; load the module macvlan'
  return new NetpluginError('unavailable', 'NO_MACVLAN', message, { cause: error })
}
