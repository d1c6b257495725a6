// Who waits for which endpoint: attach calls wait here until a pass of the agent has put their endpoint in force.

import { NetpluginError } from '../lib/errors.ts'

interface Waiter {
  /** In force, or only known which link it will have. */
  readonly for: 'force' | 'link'
  /** The pass must be of this state or a later one. */
  readonly revision: number
  readonly resolve: (peerName: string) => void
  readonly reject: (error: Error) => void
}

export class Attachments {
  readonly #waiters = new Map<string, Set<Waiter>>()
  #inForce: ReadonlyMap<string, string> = new Map()
  #failures: ReadonlyMap<string, string> = new Map()
  #revision = -1

  /**
   * Resolves when the endpoint forwards with all its flows, with the name of the link that the container gets; rejects with
   * its failure, or when the signal aborts. `revision`: what was in force before that is not meant, because the endpoint went and
   * came again.
   */
  whenInForce(endpointId: string, signal: AbortSignal, revision = 0): Promise<string> {
    const peerName = this.#inForce.get(endpointId)
    if (peerName !== undefined && this.#revision >= revision) return Promise.resolve(peerName)
    return this.#wait(endpointId, { for: 'force', revision }, signal)
  }

  /**
   * Resolves as soon as it is known which link the container gets, which may be before the endpoint forwards: what is sent until
   * then is dropped.
   */
  whenLinked(endpointId: string, signal: AbortSignal, revision: number): Promise<string> {
    const peerName = this.#inForce.get(endpointId)
    if (peerName !== undefined && this.#revision >= revision) return Promise.resolve(peerName)
    return this.#wait(endpointId, { for: 'link', revision }, signal)
  }

  #wait(endpointId: string, wanted: Pick<Waiter, 'for' | 'revision'>, signal: AbortSignal): Promise<string> {
    return new Promise((resolve, reject) => {
      const done = () => {
        waiting.delete(waiter)
        if (waiting.size === 0) this.#waiters.delete(endpointId)
        signal.removeEventListener('abort', onAbort)
      }
      const waiter: Waiter = {
        ...wanted,
        resolve: (name) => {
          done()
          resolve(name)
        },
        reject: (error) => {
          done()
          reject(error)
        },
      }
      const onAbort = () => waiter.reject(this.#timeout(endpointId))
      const waiting = this.#waiters.get(endpointId) ?? new Set<Waiter>()
      this.#waiters.set(endpointId, waiting.add(waiter))
      if (signal.aborted) onAbort()
      else signal.addEventListener('abort', onAbort, { once: true })
    })
  }

  /** The same, by a pass from now on: what is in force now is about to change. */
  whenPassed(endpointId: string, signal: AbortSignal): Promise<string> {
    this.#inForce = new Map([...this.#inForce].filter(([id]) => id !== endpointId))
    return this.whenInForce(endpointId, signal)
  }

  /** The link of an endpoint that forwards; undefined: it does not. */
  inForce(endpointId: string): string | undefined {
    return this.#inForce.get(endpointId)
  }

  /** Somebody waits. */
  get hasWaiters(): boolean {
    return this.#waiters.size > 0
  }

  /** Called when links are chosen that are there already, with those of endpoints. */
  linked(links: ReadonlyMap<string, string>, revision: number): void {
    for (const [id, waiting] of [...this.#waiters]) {
      const peerName = links.get(id)
      if (peerName === undefined) continue
      for (const waiter of [...waiting]) {
        if (waiter.for === 'link' && waiter.revision <= revision) waiter.resolve(peerName)
      }
    }
  }

  /**
   * Called when flows are in force. `inForce`: the containers' links by endpoint; `failures` names endpoints whose port
   * the switch refused, with its reason; `revision` is that of the state.
   */
  passed(inForce: ReadonlyMap<string, string>, failures: ReadonlyMap<string, string>, revision: number): void {
    this.#inForce = inForce
    this.#revision = revision
    this.#failures = failures
    for (const [id, waiting] of [...this.#waiters]) {
      const reason = failures.get(id)
      const peerName = inForce.get(id)
      for (const waiter of [...waiting]) {
        if (waiter.revision > revision) continue
        if (peerName !== undefined) waiter.resolve(peerName)
        else if (reason !== undefined) waiter.reject(portRefused(reason))
      }
    }
  }

  /** Why the last pass failed, told to those whose time runs out. */
  lastError = ''

  #timeout(endpointId: string): NetpluginError {
    const reason = this.#failures.get(endpointId) ?? this.lastError
    const why =
      reason === ''
        ? 'Open vSwitch did not confirm it in time; check that ovsdb-server and ovs-vswitchd are running'
        : reason
    return new NetpluginError('timeout', 'ATTACH_TIMEOUT', `the endpoint could not be attached: ${why}`)
  }
}

function portRefused(reason: string): NetpluginError {
  return new NetpluginError('unavailable', 'PORT_REFUSED', `the endpoint's port could not be made: ${reason}`)
}
