// Detachments that netmaster must hear of, kept on disk until it has: `docker stop` works while netmaster is away, and
// what it freed is freed in the end.

import type { NodeClient } from '../api/node-client.ts'
import { Backoff } from '../lib/backoff.ts'
import type { Clock } from '../lib/clock.ts'
import { asNetpluginError } from '../lib/errors.ts'
import type { Files } from '../lib/files.ts'
import type { Log } from '../lib/log.ts'
import { Wakeup } from '../lib/wakeup.ts'
import type { DeleteEndpointInput, ReleaseAddressInput } from '../model/plugin.ts'
import { JsonFile } from './json-file.ts'

export type Detachment =
  | { readonly op: 'delete-endpoint'; readonly request: DeleteEndpointInput }
  | { readonly op: 'release-address'; readonly request: ReleaseAddressInput }

interface Deps {
  readonly client: NodeClient
  readonly clock: Clock
  readonly log: Log
  readonly random: () => number
  /** Left out: those of the machine. */
  readonly files?: Files
}

export class Outbox {
  readonly #deps: Deps
  readonly #file: JsonFile<readonly Detachment[]>
  readonly #wakeup = new Wakeup()
  /** Woken when nothing waits any more, or when it has to wait longer. */
  readonly #rest = new Wakeup()
  #pending: readonly Detachment[]
  #trouble = ''

  constructor(path: string, deps: Deps) {
    this.#deps = deps
    this.#file = new JsonFile(path, deps.files)
    const saved = this.#file.read()
    this.#pending = Array.isArray(saved) ? saved.filter(isDetachment) : []
  }

  /** Endpoints that are gone here although the cluster state may still show them. */
  get detached(): ReadonlySet<string> {
    const ids = new Set<string>()
    for (const item of this.#pending) if (item.op === 'delete-endpoint') ids.add(item.request.EndpointID)
    return ids
  }

  /** Why what waits could not be delivered, as a sentence; empty: it was not tried yet. */
  get trouble(): string {
    return this.#trouble
  }

  /** Delivers at once when netmaster answers; otherwise keeps it and returns all the same. */
  async deliver(detachment: Detachment, signal: AbortSignal): Promise<void> {
    if (this.#pending.length === 0) {
      try {
        await this.#send(detachment, signal)
        return
      } catch (error) {
        // A caller that ran out of time says nothing about whether netmaster has heard of it.
        const failure = asNetpluginError(error)
        if (!signal.aborted && !failure.retryable) throw error
        this.#trouble = failure.message
        this.#deps.log.warn('netmaster away, detachment kept for later', { op: detachment.op })
      }
    }
    this.#pending = [...this.#pending, detachment]
    await this.#file.write(this.#pending)
    this.#wakeup.wake()
  }

  /** Tries now instead of later, and waits for the outcome: what was freed here is free before more is asked for. */
  async hasten(signal: AbortSignal): Promise<void> {
    if (this.#pending.length === 0) return
    this.#wakeup.wake()
    await this.#rest.wait(signal)
  }

  /** Delivers what is pending, in order, until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log, random } = this.#deps
    const backoff = new Backoff({ firstMs: 200, maxMs: 3_000, random })
    while (!signal.aborted) {
      const first = this.#pending[0]
      if (first === undefined) {
        this.#rest.wake()
        await this.#wakeup.wait(signal)
        continue
      }
      try {
        await this.#send(first, signal)
      } catch (error) {
        // Ended while it waited for an answer: the next start delivers it.
        if (signal.aborted) return
        const failure = asNetpluginError(error)
        if (failure.retryable) {
          this.#trouble = failure.message
          this.#rest.wake()
          await this.#wakeup.waitAtMost(backoff.next(), { clock }, signal)
          continue
        }
        log.error('netmaster refused a detachment', { op: first.op, code: failure.code, reason: failure.message })
      }
      backoff.reset()
      this.#pending = this.#pending.slice(1)
      await this.#file.write(this.#pending).catch((error: Error) => {
        // Delivered twice after a restart, which netmaster takes for no error.
        log.error('outbox not saved', { reason: error.message })
      })
    }
  }

  #send(detachment: Detachment, signal: AbortSignal): Promise<unknown> {
    const { client } = this.#deps
    return detachment.op === 'delete-endpoint'
      ? client.deleteEndpoint(detachment.request, signal)
      : client.releaseAddress(detachment.request, signal)
  }
}

/** What this version wrote itself; anything else is as good as not being there. */
function isDetachment(value: unknown): value is Detachment {
  if (typeof value !== 'object' || value === null || !('op' in value && 'request' in value)) return false
  const { op, request } = value
  if (typeof request !== 'object' || request === null) return false
  return op === 'release-address' || (op === 'delete-endpoint' && 'EndpointID' in request)
}
