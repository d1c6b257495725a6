// Who waits for which endpoint: attach calls wait here until a pass of the agent has put their endpoint in force.

import { NetpluginError } from '../lib/errors.ts'

interface Waiter {
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

export class Attachments {
  readonly #waiters = new Map<string, Set<Waiter>>()
  #inForce: ReadonlySet<string> = new Set()
  #failures: ReadonlyMap<string, string> = new Map()

  /** Resolves when the endpoint forwards with all its flows; rejects with its failure, or when the signal aborts. */
  whenInForce(endpointId: string, signal: AbortSignal): Promise<void> {
    if (this.#inForce.has(endpointId)) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const done = () => {
        waiting.delete(waiter)
        if (waiting.size === 0) this.#waiters.delete(endpointId)
        signal.removeEventListener('abort', onAbort)
      }
      const waiter: Waiter = {
        resolve: () => {
          done()
          resolve()
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

  /** Called after each pass. `failures` names endpoints whose port the switch refused, with its reason. */
  passed(inForce: ReadonlySet<string>, failures: ReadonlyMap<string, string>): void {
    this.#inForce = inForce
    this.#failures = failures
    for (const [id, waiting] of [...this.#waiters]) {
      const reason = failures.get(id)
      for (const waiter of [...waiting]) {
        if (inForce.has(id)) waiter.resolve()
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
