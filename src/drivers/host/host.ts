// The host half of a node, besides the switch: network devices, their addresses and routes. Steps and results are plain
// data, and calls are synchronous, so that a worker thread can take them over if they ever cost too much.

import type { HostFacts, HostStep } from '../../core/plan/host.ts'
import type { NetpluginError } from '../../lib/errors.ts'
import type { LinkEvent } from '../../protocols/netlink/index.ts'

export type { HostFacts, HostStep } from '../../core/plan/host.ts'

export interface HostStepResult {
  readonly step: HostStep
  /** Undefined: done. */
  readonly error: NetpluginError | undefined
}

export interface Underlay {
  readonly device: string
  readonly mtu: number
}

export interface HostDriver {
  /** What is there now, including all that `apply` has done. Cheap while nothing changes. */
  facts(): HostFacts
  /** The next `facts()` is read anew: what the kernel did not tell of is then known, too. */
  distrust(): void
  /**
   * Runs the steps in order, also after one has failed: they tell of their own failures. What is already gone counts as
   * deleted.
   */
  apply(steps: readonly HostStep[]): HostStepResult[]
  /** Calls the listener after every change of links and addresses, whoever made it. Returns the way to end it. */
  watch(listener: (event: LinkEvent) => void): () => void
  /** The device that has this address, without a prefix length; undefined when none has. */
  underlay(address: string): Underlay | undefined
  /** Makes the kernel ask for the MAC of an IPv4 neighbour when it next sends to it; does nothing where it was told the MAC. */
  forgetNeighbour(address: string): void
  close(): Promise<void>
}
