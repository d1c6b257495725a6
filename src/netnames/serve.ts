// Serves DNS at the address of the host's port on the switch, which comes and goes with the bridge, and moves with the
// private subnet.

import { Backoff } from '../lib/backoff.ts'
import type { Clock } from '../lib/clock.ts'
import { asNetpluginError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { DnsServer, type DnsServerOptions, type Resolve, type Source } from '../protocols/dns/index.ts'

interface Options {
  /** The address is tried again no less often. */
  readonly maxRetryMs: number
}

interface Deps {
  readonly resolve: Resolve
  readonly admit: (source: Source) => boolean
  /** Called with the address when questions there are answered. */
  readonly serving: (address: string) => void
  readonly clock: Clock
  readonly log: Log
  readonly random: () => number
}

const port = 53
const limits: Omit<DnsServerOptions, 'listen'> = {
  maxConnections: 256,
  maxConnectionsEach: 32,
  idleTimeoutMs: 10_000,
  resolveTimeoutMs: 10_000,
  maxPending: 2_000,
  maxPendingEach: 250,
}

export class Service {
  readonly #options: Options
  readonly #deps: Deps
  #address = ''
  #moved = new AbortController()
  #serving = ''

  constructor(options: Options, deps: Deps) {
    this.#options = options
    this.#deps = deps
  }

  /** Where questions are answered now; empty: nowhere. */
  get address(): string {
    return this.#serving
  }

  /** From now on there; nothing happens where it is there already. */
  moveTo(address: string): void {
    if (address === this.#address) return
    this.#address = address
    this.#moved.abort()
  }

  /** Serves until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#moved = new AbortController()
      const until = AbortSignal.any([signal, this.#moved.signal])
      if (this.#address === '') await ended(until)
      else await this.#serve(this.#address, until)
    }
  }

  async #serve(address: string, signal: AbortSignal): Promise<void> {
    const { resolve, admit, serving, clock, log, random } = this.#deps
    const backoff = new Backoff({ firstMs: 20, maxMs: this.#options.maxRetryMs, random })
    while (!signal.aborted) {
      // Shared, so that a newer netnames can take over without a gap.
      const listen = { kind: 'address', address, port, shared: true } as const
      const server = new DnsServer({ listen, ...limits }, { resolve, admit, clock, log })
      try {
        await server.start()
        log.info('names are served', { address })
        this.#serving = address
        serving(address)
        await ended(signal)
      } catch (error) {
        // The address comes with the host's port, which netplugin's first pass makes.
        log.debug('names are not served yet', { address, reason: asNetpluginError(error).message })
        await clock.after(backoff.next(), signal).catch(() => {})
      } finally {
        this.#serving = ''
        await server.stop()
      }
    }
  }
}

function ended(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
