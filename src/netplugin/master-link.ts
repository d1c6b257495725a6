// The node's line to netmaster: registers, follows the stream of the cluster state, sends heartbeats. Keeps the last
// state on disk, so that a host that starts without netmaster still knows what it must carry.

import { isChange, type NodeClient } from '../api/node-client.ts'
import { Backoff } from '../lib/backoff.ts'
import type { Clock } from '../lib/clock.ts'
import { asNetpluginError, NetpluginError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { Tasks } from '../lib/tasks.ts'
import { Wakeup } from '../lib/wakeup.ts'
import { applyChanges } from '../model/apply-changes.ts'
import type { Count, Counted } from '../model/counts.ts'
import { maxProblems } from '../model/node.ts'
import { listRecords } from '../model/record-list.ts'
import { type Change, type ClusterState, emptyState, type StreamMessage } from '../model/state.ts'
import type { NodeConfig } from './config.ts'
import { JsonFile } from './json-file.ts'

interface Deps {
  readonly client: NodeClient
  readonly clock: Clock
  readonly log: Log
  readonly random: () => number
  readonly bootId: string
  /** What keeps the host out of networks, to be told with each heartbeat; missing: never anything. */
  readonly problems?: () => readonly string[]
  /** What this node has counted. */
  readonly count: (about: Counted, key: string, signal: AbortSignal) => Promise<readonly Count[]>
}

interface SavedState {
  readonly version: 1
  readonly epoch: string
  readonly revision: number
  readonly changes: readonly Change[]
}

/** A snapshot on its way. */
interface Loading {
  readonly epoch: string
  readonly changes: Change[]
}

const heartbeatMs = 3_000
const saveAfterMs = 1_000

export class MasterLink {
  readonly #config: NodeConfig
  readonly #deps: Deps
  readonly #file: JsonFile<SavedState>
  readonly #listeners = new Set<() => void>()
  #state: ClusterState | undefined
  #epoch = ''
  #live = false
  #saved: ClusterState | undefined
  #loading: Loading | undefined
  #appliedRevision = 0
  readonly #pulse = new Wakeup()
  readonly #tasks: Tasks

  constructor(config: NodeConfig, deps: Deps) {
    this.#config = config
    this.#deps = deps
    this.#tasks = new Tasks({ log: deps.log })
    this.#file = new JsonFile(`${config.stateDir}/state.json`)
    const saved = parseSaved(this.#file.read())
    if (saved === undefined) return
    this.#state = applyChanges(emptyState, saved.revision, saved.changes)
    this.#epoch = saved.epoch
    this.#saved = this.#state
    deps.log.info('start from the saved state', { revision: saved.revision, endpoints: this.#state.endpoints.size })
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
    const backoff = new Backoff({ firstMs: 100, maxMs: 2_000, random })
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
        this.#enter(applyChanges(emptyState, message.revision, loading.changes))
        this.#deps.log.info('cluster state complete', { revision: message.revision })
        return
      }
      case 'resume':
        this.#enter(this.#state ?? outOfOrder(message))
        return
      case 'delta':
        this.#enter(applyChanges(this.#state ?? outOfOrder(message), message.revision, message.changes))
        return
      case 'ask':
        this.#tasks.spawn('counts', () => this.#answer(message, signal))
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
    for (const listener of this.#listeners) listener()
  }

  async #beat(signal: AbortSignal): Promise<void> {
    const { client, clock, log } = this.#deps
    while (!signal.aborted) {
      if (this.#live) {
        const revision = this.#appliedRevision
        await client
          .heartbeat(this.#report(revision), signal)
          .catch((error: unknown) => log.debug('heartbeat not delivered', { reason: asNetpluginError(error).message }))
        if (revision !== this.#appliedRevision) continue
      }
      await this.#pulse.waitAtMost(heartbeatMs, { clock }, signal)
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
    let count = 0
    for (const endpoint of this.#state?.endpoints.values() ?? []) if (endpoint.node === this.#config.node) count++
    return count
  }

  async #save(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#deps
    while (!signal.aborted) {
      await clock.after(saveAfterMs, signal).catch(() => {})
      const state = this.#state
      if (state === undefined || !this.#live || state === this.#saved) continue
      this.#saved = state
      const saved: SavedState = {
        version: 1,
        epoch: this.#epoch,
        revision: state.revision,
        changes: listRecords(state),
      }
      await this.#file.write(saved).catch((error: Error) => log.error('state not saved', { reason: error.message }))
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

/** What this version wrote itself; anything else is as good as no file. */
function parseSaved(value: unknown): SavedState | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const saved = value as Partial<SavedState>
  if (saved.version !== 1 || typeof saved.revision !== 'number') return undefined
  if (!Array.isArray(saved.changes) || !saved.changes.every(isChange)) return undefined
  return { version: 1, epoch: String(saved.epoch ?? ''), revision: saved.revision, changes: saved.changes }
}
