// All of CNI on this host: the plugin behind its socket, and what it makes up for without being asked.

import { existsSync } from 'node:fs'
import type { NodeClient } from '../api/node-client.ts'
import type { Containers } from '../drivers/host/containers.ts'
import type { HostDriver } from '../drivers/host/host.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { ClusterState } from '../model/state.ts'
import { CniServer } from '../protocols/cni/index.ts'
import type { Attachments } from './attachments.ts'
import { CniDriver } from './cni-driver.ts'
import { CniInterfaces } from './cni-interfaces.ts'
import { CniLeftovers } from './cni-leftovers.ts'
import type { Outbox } from './outbox.ts'
import type { PublishedPorts } from './published-ports.ts'

interface Options {
  readonly node: string
  readonly cniSocket: string
  readonly callTimeoutMs: number
}

interface Deps {
  readonly client: NodeClient
  readonly attachments: Attachments
  readonly outbox: Outbox
  readonly published: PublishedPorts
  readonly host: HostDriver
  readonly containers: Containers
  readonly nameservers: () => readonly string[]
  readonly state: () => ClusterState | undefined
  /** Whether a complete state of the cluster was seen. */
  readonly inSync: () => boolean
  readonly lookAgain: () => void
  readonly release: (endpointId: string) => void
  readonly clock: Clock
  readonly log: Log
}

export class CniSide {
  readonly #server: CniServer
  readonly #leftovers: CniLeftovers

  constructor({ node, cniSocket: socketPath, callTimeoutMs }: Options, deps: Deps) {
    const { attachments, host, containers, nameservers, state, inSync, clock, log } = deps
    const interfaces = new CniInterfaces({ host, containers, nameservers })
    const driver = new CniDriver({ node }, { ...deps, interfaces })
    this.#server = new CniServer({ socketPath, callTimeoutMs }, { plugin: driver, log })
    this.#leftovers = new CniLeftovers(
      { node },
      {
        state,
        mayRemove: inSync,
        host,
        linkOf: (id) => attachments.inForce(id),
        busy: () => driver.busy,
        exists: existsSync,
        giveUp: (id) => driver.giveUp(id),
        restore: (id, record) => driver.restore(id, record),
        clock,
        log,
      },
    )
  }

  /** Errors: those of `CniServer.start`. */
  start(signal: AbortSignal): Promise<void> {
    return this.#server.start(signal)
  }

  run(signal: AbortSignal): Promise<void> {
    return this.#leftovers.run(signal)
  }

  stop(signal: AbortSignal): Promise<void> {
    return this.#server.stop(signal)
  }
}
