// The network namespaces of containers: what is in them, moving an interface in, and changing it there. Calls are
// synchronous and short; nothing keeps a namespace open, so that it ends with its container.

import type { ContainerStep, NamespaceFacts } from '../../core/plan/container.ts'
import type { FarEnd } from '../../core/plan/veths.ts'
import type { NetpluginError } from '../../lib/errors.ts'
import type { LinkInfo } from '../../protocols/netlink/index.ts'

export type { ContainerStep, NamespaceFacts } from '../../core/plan/container.ts'

export interface InterfaceWish {
  readonly name: string
  /** The far end's own, too. */
  readonly mac: string
  readonly mtu: number
}

export interface ContainerStepResult {
  readonly step: ContainerStep
  /** Undefined: done. */
  readonly error: NetpluginError | undefined
}

/**
 * A namespace is a path such as /proc/PID/ns/net. Every method throws `not-found` (NAMESPACE_MISSING) when it is gone and
 * `conflict` (NAMESPACE_OF_HOST) when it is the host's own, as that of a container with `--net=host`, or the far namespace.
 */
export interface Containers {
  look(namespace: string): NamespaceFacts
  /** Whether it can be entered. */
  visit(namespace: string): void
  /** Moves a far end into the container, where it keeps its name and is down. */
  moveIn(end: FarEnd, namespace: string): void
  /**
   * Makes an interface in the container, up, over a far end, which is the container's alone from then on: what arrives at the
   * link is the container's, and the host takes nothing from it. In one message, because moving a link costs 20 ms. Throws
   * `conflict` NETLINK_EEXIST when the container has a link of that name, `unavailable` NO_MACVLAN when the kernel cannot.
   */
  putOver(lower: FarEnd, namespace: string, wish: InterfaceWish): LinkInfo
  /**
   * Takes what was put over the far end out of the container, beside other work: resolves when it is out of sight there. `finished`
   * resolves when the kernel is done with it, 20 ms later, to whether there was anything: then nothing is over the link.
   */
  removeOver(lower: FarEnd, namespace: string): Promise<{ readonly finished: Promise<boolean> }>
  /** Runs the steps in order, also after one has failed. What is already gone counts as deleted. */
  apply(namespace: string, steps: readonly ContainerStep[]): ContainerStepResult[]
}
