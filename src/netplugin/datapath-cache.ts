// What Open vSwitch's userspace datapath remembers of the flow tables: a decision for each kind of packet it has met. After a
// change it corrects them one by one, and takes the wrong one where two overlap; an old decision then stays in force for as
// long as packets meet it (docs/adr/0020-stale-decisions.md). So they are dropped once that is over.

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

/** What is asked of the switch besides. */
export interface Nudges {
  /** Makes some flow again as it is: a round of corrections begins. */
  touch(): Promise<void>
  /** Anything that the daemon's main thread has to answer. */
  wake(): Promise<void>
}

/** The daemon's main thread tells that a round is over when it is awake, which nothing but us makes it for half a second. */
const wakeAfterMs = 1
const wakeAtLeastMs = 16

/** The one datapath of this kind that a daemon has. */
const userspace = 'netdev@ovs-netdev'

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

  /** Returns when no packet meets a decision from before the call. */
  async forget(nudges: Nudges, signal: AbortSignal): Promise<void> {
    const control = await this.#connected(signal)
    if (control === undefined) return
    // Once a round is over, none is under way that began before the change: what is corrected from now on is right.
    await this.#round(control, nudges, signal)
    // The first counts what the decisions have carried; the second also drops those that Open vSwitch has lost sight of.
    const patience = this.#patience(signal)
    const dropped = [
      control.command('revalidator/purge', [], patience),
      control.command('dpctl/del-flows', [userspace], patience),
    ]
    await Promise.all(dropped)
  }

  /** Returns when a round of corrections is over. */
  async round(nudges: Nudges, signal: AbortSignal): Promise<void> {
    const control = await this.#connected(signal)
    if (control !== undefined) await this.#round(control, nudges, signal)
  }

  async #round(control: ControlSocket, { touch, wake }: Nudges, signal: AbortSignal): Promise<void> {
    let isOver = false
    const over = control
      .command('revalidator/wait', [], this.#patience(signal))
      .catch(unlessRefused)
      .finally(() => {
        isOver = true
      })
    const nudge = async () => {
      await touch()
      // Each time it also looks at all its ports.
      for (let pause = wakeAfterMs; !isOver; pause = Math.min(2 * pause, wakeAtLeastMs)) {
        await this.#deps.clock.after(pause, signal)
        if (!isOver) await wake()
      }
    }
    await Promise.all([over, nudge()])
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
