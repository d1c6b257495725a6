// The node's line to netmaster: registers, follows the stream of the cluster state, sends heartbeats. Keeps the last
// state on disk, so that a host that starts without netmaster still knows what it must carry.

import type { NodeClient } from '../api/node-client.ts'
import { Backoff } from '../lib/backoff.ts'
import type { Clock } from '../lib/clock.ts'
import { asError, asNetpluginError, NetpluginError } from '../lib/errors.ts'
import type { Files } from '../lib/files.ts'
import type { Log } from '../lib/log.ts'
import { Tasks } from '../lib/tasks.ts'
import { Wakeup } from '../lib/wakeup.ts'
import { applyChanges } from '../model/apply-changes.ts'
import type { Count, Counted } from '../model/counts.ts'
import { maxProblems } from '../model/node.ts'
import { type Change, type ClusterState, emptyState, type StreamMessage } from '../model/state.ts'
import type { NodeConfig } from './config.ts'
import { StateFile } from './state-file.ts'

interface Deps {
  readonly client: NodeClient
  readonly clock: Clock
  readonly log: Log
  readonly random: () => number
  readonly bootId: string
  /** Left out: those of the machine. */
  readonly files?: Files
  /** What keeps the host out of networks, to be told with each heartbeat; missing: never anything. */
  readonly problems?: () => readonly string[]
  /** Hears what is said about members of multicast groups on other hosts. */
  readonly members?: (message: Extract<StreamMessage, { type: 'members' | 'members-begin' }>) => void
  /** What this node has counted. */
  readonly count: (about: Counted, key: string, signal: AbortSignal) => Promise<readonly Count[]>
}

/** A snapshot on its way. */
interface Loading {
  readonly epoch: string
  readonly changes: Change[]
}

const heartbeatMs = 3_000
/** What could not be saved is tried again after so long. */
const saveAgainMs = 1_000

export class MasterLink {
  readonly #config: NodeConfig
  readonly #deps: Deps
  readonly #file: StateFile
  readonly #listeners = new Set<() => void>()
  #state: ClusterState | undefined
  #epoch = ''
  #live = false
  #loading: Loading | undefined
  #appliedRevision = 0
  #counted: { readonly of: ClusterState['endpoints']; readonly here: number } | undefined
  readonly #pulse = new Wakeup()
  readonly #entered = new Wakeup()
  readonly #tasks: Tasks

  constructor(config: NodeConfig, deps: Deps) {
    this.#config = config
    this.#deps = deps
    this.#tasks = new Tasks({ log: deps.log })
    this.#file = new StateFile(`${config.stateDir}/state.ndjson`, deps.files)
    const saved = this.#file.read()
    if (saved === undefined) return
    this.#state = saved.state
    this.#epoch = saved.epoch
    const { revision, endpoints } = saved.state
    deps.log.info('start from the saved state', { revision, endpoints: endpoints.size })
  }

  /** Undefined until there is a saved or streamed state. */
  get state(): ClusterState | undefined {
    return this.#state
  }

  /** Whether this process has seen a complete state from netmaster: only then may anything be removed. */
  get inSync(): boolean {
    return this.#live
  }

  onChange(listener: () => void): void {
    this.#listeners.add(listener)
  }

  /** Tells netmaster how far this node is; sent at once when it grew. */
  applied(revision: number): void {
    if (revision === this.#appliedRevision) return
    this.#appliedRevision = revision
    this.#pulse.wake()
  }

  /** Follows netmaster until the signal aborts; every failure is retried. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#follow(signal), this.#beat(signal), this.#save(signal)])
    await this.#tasks.settled()
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const { client, clock, log, random } = this.#deps
    // After a partition this comes on top of what its netmaster waited for the store.
    const backoff = new Backoff({ firstMs: 100, maxMs: 1_000, random })
    let lastReason = ''
    while (!signal.aborted) {
      try {
        await client.register(this.#registration(), signal)
        this.#loading = undefined
        const position = this.#state && { epoch: this.#epoch, revision: this.#state.revision }
        for await (const message of client.openStream(position, signal)) {
          backoff.reset()
          lastReason = ''
          this.#receive(message, signal)
        }
      } catch (error) {
        if (signal.aborted) return
        const { code, message } = asNetpluginError(error)
        if (message !== lastReason) log.warn('netmaster not reachable, will try again', { code, reason: message })
        lastReason = message
      }
      await clock.after(backoff.next(), signal).catch(() => {})
    }
  }

  #registration() {
    const { controlAddress, vtep, uplinks, version } = this.#config
    return { controlAddress, vtep, uplinks: [...uplinks], version, bootId: this.#deps.bootId }
  }

  #receive(message: StreamMessage, signal: AbortSignal): void {
    switch (message.type) {
      case 'begin':
        this.#loading = { epoch: message.epoch, changes: [] }
        return
      case 'records':
        for (const change of message.changes) this.#loading?.changes.push(change)
        return
      case 'end': {
        // Half a snapshot would look like a cluster from which the other half was removed.
        const loading = this.#loading ?? outOfOrder(message)
        this.#loading = undefined
        this.#epoch = loading.epoch
        const state = applyChanges(emptyState, message.revision, loading.changes)
        this.#file.tell({ epoch: this.#epoch, state })
        this.#enter(state)
        this.#deps.log.info('cluster state complete', { revision: message.revision })
        return
      }
      case 'resume':
        this.#enter(this.#state ?? outOfOrder(message))
        return
      case 'delta': {
        const state = applyChanges(this.#state ?? outOfOrder(message), message.revision, message.changes)
        this.#file.tell({ epoch: this.#epoch, state }, message)
        this.#enter(state)
        return
      }
      case 'ask':
        this.#tasks.spawn('counts', () => this.#answer(message, signal))
        return
      case 'members-begin':
      case 'members':
        this.#deps.members?.(message)
        return
      case 'ping':
    }
  }

  /** Who asks does not wait long: what goes wrong is not tried again. */
  async #answer({ id, about, key }: Extract<StreamMessage, { type: 'ask' }>, signal: AbortSignal): Promise<void> {
    const { client, count, log } = this.#deps
    try {
      await client.counts({ id, counts: [...(await count(about, key, signal))] }, signal)
    } catch (error) {
      if (!signal.aborted) log.warn('counts not delivered', { about, key, reason: asNetpluginError(error).message })
    }
  }

  #enter(state: ClusterState): void {
    this.#state = state
    this.#live = true
    this.#entered.wake()
    for (const listener of this.#listeners) listener()
  }

  async #beat(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#deps
    while (!signal.aborted) {
      if (this.#live) {
        const revision = this.#appliedRevision
        await this.#tell(revision, signal).catch((error: unknown) =>
          log.debug('heartbeat not delivered', { reason: asNetpluginError(error).message }),
        )
        if (revision !== this.#appliedRevision) continue
      }
      await this.#pulse.waitAtMost(heartbeatMs, { clock }, signal)
    }
  }

  async #tell(revision: number, signal: AbortSignal): Promise<void> {
    const { client } = this.#deps
    try {
      await client.heartbeat(this.#report(revision), signal)
    } catch (error) {
      if (asNetpluginError(error).kind !== 'not-found') throw error
      // Somebody took it for gone and removed it.
      await client.register(this.#registration(), signal)
    }
  }

  #report(appliedRevision: number) {
    const { bootId, problems = () => [] } = this.#deps
    return {
      bootId,
      appliedRevision,
      endpoints: this.#endpointsHere(),
      problems: problems()
        .slice(0, maxProblems)
        .map((text) => text.slice(0, 1024)),
    }
  }

  #endpointsHere(): number {
    const endpoints = this.#state?.endpoints
    if (endpoints === undefined) return 0
    if (this.#counted?.of !== endpoints) {
      let here = 0
      for (const { node } of endpoints.values()) if (node === this.#config.node) here++
      this.#counted = { of: endpoints, here }
    }
    return this.#counted.here
  }

  /** At once: whoever starts after us, perhaps without netmaster, must not go back to what was in force before. */
  async #save(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#deps
    while (!signal.aborted) {
      if (this.#file.isFlushed) await this.#entered.wait(signal)
      try {
        await this.#file.flush()
      } catch (error) {
        log.error('state not saved', { reason: asError(error).message })
        await clock.after(saveAgainMs, signal).catch(() => {})
      }
    }
  }
}

function outOfOrder(message: StreamMessage): never {
  throw new NetpluginError(
    'protocol',
    'STREAM_OUT_OF_ORDER',
    `netmaster sent '${message.type}' before what it belongs to`,
  )
}
