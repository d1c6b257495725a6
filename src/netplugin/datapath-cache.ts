// What Open vSwitch's userspace datapath remembers of the flow tables: a decision for each kind of packet it has met. After a
// change it corrects them one by one, and takes the wrong one where two overlap; an old decision then stays in force for as
// long as packets meet it (docs/adr/0020-stale-decisions.md). So they are dropped once that is over.

import { asNetpluginError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { ControlSocket, controlPath, type ListedConnection, parseConnections } from '../protocols/unixctl/index.ts'

interface Options {
  readonly runDir: string
  /** For each of its commands. */
  readonly patienceMs: number
}

export class DatapathCache {
  readonly #options: Options
  readonly #log: Log
  #control: ControlSocket | undefined

  constructor(options: Options, { log }: { readonly log: Log }) {
    this.#options = options
    this.#log = log
  }

  close(): void {
    this.#control?.close()
  }

  /** Returns when no packet meets a decision from before the call. `touch` makes some flow again as it is. */
  async forget(touch: () => Promise<void>, signal: AbortSignal): Promise<void> {
    const control = await this.#connected(signal)
    if (control === undefined) return
    const command = (name: string) =>
      control.command(name, [], AbortSignal.any([signal, AbortSignal.timeout(this.#options.patienceMs)]))
    // The round of corrections that ends first may have begun before the change. A touched flow begins the next one.
    for (const _round of ['perhaps of before', 'of now']) {
      const over = command('revalidator/wait').catch(unlessRefused)
      await Promise.all([over, touch()])
    }
    await command('revalidator/purge')
  }

  /** Returns when a round of corrections is over. */
  async round(signal: AbortSignal): Promise<void> {
    const control = await this.#connected(signal)
    const patience = AbortSignal.any([signal, AbortSignal.timeout(this.#options.patienceMs)])
    await control?.command('revalidator/wait', [], patience).catch(unlessRefused)
  }

  /** The connections of a zone; none when the daemon does not listen. */
  async connections(zone: number, signal: AbortSignal): Promise<readonly ListedConnection[]> {
    const control = await this.#connected(signal)
    if (control === undefined) return []
    const patience = AbortSignal.any([signal, AbortSignal.timeout(this.#options.patienceMs)])
    return parseConnections(await control.command('dpctl/dump-conntrack', [`zone=${zone}`], patience))
  }

  /** undefined, and a warning, when the daemon does not listen where it does by default. */
  async #connected(signal: AbortSignal): Promise<ControlSocket | undefined> {
    if (this.#control !== undefined && !this.#control.over) return this.#control
    try {
      const path = await controlPath(this.#options.runDir, 'ovs-vswitchd')
      this.#control = await ControlSocket.connect({ path }, signal)
    } catch (error) {
      const { code, message } = asNetpluginError(error)
      this.#log.warn('decisions of an older policy may stay', { code, reason: message })
      this.#control = undefined
    }
    return this.#control
  }
}

/** A daemon with datapaths of both kinds refuses to wait. */
function unlessRefused(error: unknown): void {
  if (asNetpluginError(error).code !== 'CONTROL_REFUSED') throw error
}
