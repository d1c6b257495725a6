// The DNS server of this host (netnames) is a process of its own, so that names resolve while netplugin is away. This loop
// sees to it that one runs, that it is this version's, and that it knows the newest names: it takes over one that runs,
// replaces one of another version without a gap, and starts another when it is gone or stuck.

import { Backoff } from '../lib/backoff.ts'
import type { Clock } from '../lib/clock.ts'
import { asNetpluginError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { Wakeup } from '../lib/wakeup.ts'
import { NamesFeed, type NamesView } from './names-feed.ts'
import { NamesLink } from './names-link.ts'

/** What is outside: processes. */
export interface NamesProcesses {
  /** The program with its flags, as the server must say it to be taken over. */
  readonly program: string
  /** Starts one that outlives us. */
  start(): void
  /** Ends the one that listens at the socket, whatever it is doing. */
  kill(): void
}

interface Options {
  readonly socket: string
}

interface Deps {
  readonly processes: NamesProcesses
  /** What it is told; undefined while nothing is known. */
  readonly view: () => NamesView | undefined
  readonly clock: Clock
  readonly log: Log
  readonly random: () => number
}

const pingMs = 1_000
const startPollMs = 25
const startMs = 10_000

export class NamesServer {
  readonly #options: Options
  readonly #deps: Deps
  readonly #news = new Wakeup()
  #isNew = true
  /** One of another version that answers until its successor does. */
  #predecessor: NamesLink | undefined

  constructor(options: Options, deps: Deps) {
    this.#options = options
    this.#deps = deps
  }

  /** There may be something new to tell. */
  lookAgain(): void {
    this.#isNew = true
    this.#news.wake()
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, log, random } = this.#deps
    const backoff = new Backoff({ firstMs: 20, maxMs: 1_000, random })
    while (!signal.aborted) {
      try {
        const link = await this.#connect(signal)
        if (link === undefined) continue
        await this.#attend(link, () => backoff.reset(), signal)
        if (!signal.aborted) log.warn('names server lost, another is started', { pid: link.pid })
      } catch (error) {
        const { code, message } = asNetpluginError(error)
        if (!signal.aborted) log.warn('names server does not work, will try again', { code, reason: message })
        if (code === 'NAMES_STUCK') this.#deps.processes.kill()
      }
      await clock.after(backoff.next(), signal).catch(() => {})
    }
    this.#predecessor?.close()
  }

  /** A connection to a server of our version; undefined when the signal aborted. */
  async #connect(signal: AbortSignal): Promise<NamesLink | undefined> {
    const { processes, clock, log } = this.#deps
    const found = await NamesLink.open(this.#options.socket, { clock })
    if (found?.program === processes.program) {
      log.info('names server taken over', { pid: found.pid })
      return found
    }
    if (found !== undefined) {
      log.info('names server is of another version, and replaced', { pid: found.pid })
      await found.say([{ type: 'yield' }])
      await found.hear('yielded')
      this.#predecessor?.close()
      this.#predecessor = found
    }
    processes.start()
    for (let waitedMs = 0; waitedMs < startMs && !signal.aborted; waitedMs += startPollMs) {
      await clock.after(startPollMs, signal).catch(() => {})
      const link = await NamesLink.open(this.#options.socket, { clock })
      if (link === undefined) continue
      log.info('names server started', { pid: link.pid })
      return link
    }
    return undefined
  }

  /** Until the connection or the signal ends. */
  async #attend(link: NamesLink, isWell: () => void, signal: AbortSignal): Promise<void> {
    const close = () => link.close()
    signal.addEventListener('abort', close, { once: true })
    this.#isNew = true
    try {
      await Promise.all([this.#tell(link), this.#watch(link, isWell), this.#succeed(link)])
    } finally {
      signal.removeEventListener('abort', close)
      link.close()
    }
  }

  async #tell(link: NamesLink): Promise<void> {
    const feed = new NamesFeed()
    while (!link.closed.aborted) {
      if (!this.#isNew) await this.#news.wait(link.closed)
      this.#isNew = false
      const view = this.#deps.view()
      if (view !== undefined) await link.say(feed.next(view))
    }
  }

  async #watch(link: NamesLink, isWell: () => void): Promise<void> {
    const { clock } = this.#deps
    while (!link.closed.aborted) {
      await link.say([{ type: 'ping' }])
      await link.hear('pong')
      isWell()
      await clock.after(pingMs, link.closed).catch(() => {})
    }
  }

  /** The predecessor goes when this one answers. */
  async #succeed(link: NamesLink): Promise<void> {
    while (this.#predecessor !== undefined && !link.closed.aborted) {
      await link.hear('serving', 'whenever')
      const old = this.#predecessor
      this.#predecessor = undefined
      await old.say([{ type: 'stop' }])
      old.close()
    }
  }
}
