// Numbers by which netmaster tells a node's requests of now from late ones (docs/adr/0038-late-requests.md). What got no answer may
// still be on its way, or lie with a master that hangs: whatever is sent afterwards carries a higher number, and once netmaster has
// answered that, it refuses what has a lower one.

import { asNetpluginError, NetpluginError } from '../lib/errors.ts'
import { Wakeup } from '../lib/wakeup.ts'

/** An agent loses fewer answers than this between two of its starts. */
const perStart = 2 ** 20
/** How often a request is sent again because others of this node overtook it. */
const maxTries = 8

export class NodeSession {
  #number: number
  #isRegistered = false
  #failure: unknown
  /** When a registration has succeeded or failed. */
  readonly #tried = new Wakeup()

  /** `start`: grows with each start of the agent. */
  constructor({ start }: { readonly start: number }) {
    this.#number = start * perStart
  }

  /** Goes into each request, and into each try of it. */
  get number(): number {
    return this.#number
  }

  /** A try may have been served, and nobody knows: it is late from now on. */
  unanswered(): void {
    this.#number++
  }

  /** Sends a registration, before which netmaster is asked for nothing: what it finds of a machine that was started anew, it takes. */
  async register<T>(send: () => Promise<T>): Promise<T> {
    try {
      const answer = await this.#inOrder(send)
      this.#isRegistered = true
      return answer
    } catch (error) {
      this.#failure = error
      throw error
    } finally {
      this.#tried.wake()
    }
  }

  /** Sends what is for a registered node. `unavailable` NODE_UNREGISTERED: the next registration failed. */
  async request<T>(send: () => Promise<T>, signal = new AbortController().signal): Promise<T> {
    if (!this.#isRegistered) {
      await this.#tried.wait(signal)
      signal.throwIfAborted()
      if (!this.#isRegistered) throw unregistered(this.#failure)
    }
    return this.#inOrder(send)
  }

  /** Sends again, with the number of then, what was refused as late. `unavailable` SESSION_OLD: others always were faster. */
  async #inOrder<T>(send: () => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await send()
      } catch (error) {
        const { code, details } = asNetpluginError(error)
        if (code === 'NODE_UNREGISTERED') throw unregistered(error)
        if (code !== 'SESSION_OLD') throw error
        // Higher than any of this agent: what it knew of its former starts was lost.
        const { session } = details
        if (typeof session === 'number' && session >= this.#number) this.#number = session + 1
        if (tries >= maxTries) throw overtaken(error)
      }
    }
  }
}

function unregistered(cause: unknown): NetpluginError {
  const message = `this host is not registered with netmaster, which netplugin tries again and again: ${asNetpluginError(cause).message}`
  return new NetpluginError('unavailable', 'NODE_UNREGISTERED', message, { cause })
}

function overtaken(cause: unknown): NetpluginError {
  const message =
    'netmaster hears other requests in the name of this node; is another netplugin running under it? try again'
  return new NetpluginError('unavailable', 'SESSION_OLD', message, { cause })
}
