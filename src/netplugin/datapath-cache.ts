// What Open vSwitch's userspace datapath remembers of the flow tables: a decision for each kind of packet it has met. After a
// change it corrects them one by one, and takes the wrong one where two overlap; an old decision then stays in force for as
// long as packets meet it (docs/adr/0020-stale-decisions.md). So all of them are dropped.

import type { Clock } from '../lib/clock.ts'
import { asNetpluginError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { ControlSocket, controlPath, type ListedConnection, parseConnections } from '../protocols/unixctl/index.ts'

interface Options {
  readonly runDir: string
  /** For each of its commands. */
  readonly patienceMs: number
}

interface Deps {
  readonly log: Log
  readonly clock: Clock
}

/** The daemon's main thread tells that a round is over when it is awake, which nothing but us makes it for half a second. */
const wakeAfterMs = 10

export class DatapathCache {
  readonly #options: Options
  readonly #deps: Deps
  #control: ControlSocket | undefined

  constructor(options: Options, deps: Deps) {
    this.#options = options
    this.#deps = deps
  }

  close(): void {
    this.#control?.close()
  }

  /**
   * Drops all decisions; returns when no packet meets one from before the call. The command has another purpose and sets what is set
   * already, unless somebody looks for a fault of Open vSwitch; but for it the daemon stops its correcting threads, drops everything,
   * and starts them anew.
   */
  async forget(signal: AbortSignal): Promise<void> {
    const control = await this.#connected(signal)
    await control?.command('upcall/enable-megaflows', [], this.#patience(signal))
  }

  /** Returns when a round of corrections is over. `wake`: anything that the daemon's main thread has to answer. */
  async round(wake: () => Promise<void>, signal: AbortSignal): Promise<void> {
    const control = await this.#connected(signal)
    if (control === undefined) return
    let isOver = false
    const over = control
      .command('revalidator/wait', [], this.#patience(signal))
      .catch(unlessRefused)
      .finally(() => {
        isOver = true
      })
    const keepAwake = async () => {
      while (!isOver) {
        await this.#deps.clock.after(wakeAfterMs, signal)
        if (!isOver) await wake()
      }
    }
    await Promise.all([over, keepAwake()])
  }

  #patience(signal: AbortSignal): AbortSignal {
    return AbortSignal.any([signal, AbortSignal.timeout(this.#options.patienceMs)])
  }

  /** The connections of a zone; none when the daemon does not listen. */
  async connections(zone: number, signal: AbortSignal): Promise<readonly ListedConnection[]> {
    const control = await this.#connected(signal)
    if (control === undefined) return []
    return parseConnections(await control.command('dpctl/dump-conntrack', [`zone=${zone}`], this.#patience(signal)))
  }

  /** undefined, and a warning, when the daemon does not listen where it does by default. */
  async #connected(signal: AbortSignal): Promise<ControlSocket | undefined> {
    if (this.#control !== undefined && !this.#control.over) return this.#control
    try {
      const path = await controlPath(this.#options.runDir, 'ovs-vswitchd')
      this.#control = await ControlSocket.connect({ path }, signal)
    } catch (error) {
      const { code, message } = asNetpluginError(error)
      this.#deps.log.warn('decisions of an older policy may stay', { code, reason: message })
      this.#control = undefined
    }
    return this.#control
  }
}

/** A daemon with datapaths of both kinds refuses to wait. */
function unlessRefused(error: unknown): void {
  if (asNetpluginError(error).code !== 'CONTROL_REFUSED') throw error
}
