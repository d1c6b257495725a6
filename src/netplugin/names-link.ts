// One connection to the DNS server of this host.

import { connect, type Socket } from 'node:net'
import { type FeedMessage, formatLine, type NamesMessage, parseNamesLine } from '../core/names/feed.ts'
import type { Clock } from '../lib/clock.ts'
import { asError, NetpluginError } from '../lib/errors.ts'
import { linesOf } from '../lib/lines.ts'
import { Wakeup } from '../lib/wakeup.ts'

const maxLineChars = 100_000
/** A server that says nothing for so long after it was asked is stuck. */
const answerMs = 3_000

export class NamesLink {
  readonly #socket: Socket
  readonly #clock: Clock
  readonly #heard = new Wakeup()
  readonly #closed = new AbortController()
  /** The last of each type that nobody has heard yet. */
  readonly #said = new Map<NamesMessage['type'], NamesMessage>()
  #pid = 0
  #program = ''

  private constructor(socket: Socket, clock: Clock) {
    this.#socket = socket
    this.#clock = clock
  }

  /** undefined: nobody listens there. Errors: `timeout` NAMES_STUCK: somebody does, and does not answer. */
  static async open(path: string, { clock }: { readonly clock: Clock }): Promise<NamesLink | undefined> {
    const socket = await connected(path)
    if (socket === undefined) return undefined
    const link = new NamesLink(socket, clock)
    void link.#read()
    try {
      const { pid, program } = await link.hear('hello')
      link.#pid = pid
      link.#program = program
    } catch (error) {
      link.close()
      if (link.closed.aborted && !(error instanceof NetpluginError && error.code === 'NAMES_STUCK')) return undefined
      throw error
    }
    return link
  }

  get pid(): number {
    return this.#pid
  }

  get program(): string {
    return this.#program
  }

  /** Aborts when the connection is over. */
  get closed(): AbortSignal {
    return this.#closed.signal
  }

  /** Resolves when there is room for more. */
  async say(messages: readonly FeedMessage[]): Promise<void> {
    if (messages.length === 0 || this.closed.aborted) return
    if (this.#socket.write(messages.map(formatLine).join(''))) return
    await new Promise<void>((resolve) => {
      this.#socket.once('drain', resolve)
      this.closed.addEventListener('abort', () => resolve(), { once: true })
    })
  }

  /** The next message of a type. Errors: NAMES_STUCK, `unavailable` NAMES_LEFT. */
  async hear<T extends NamesMessage['type']>(
    type: T,
    withinMs: number | 'whenever' = answerMs,
  ): Promise<Extract<NamesMessage, { type: T }>> {
    const over = new AbortController()
    if (withinMs !== 'whenever') {
      const late = this.#clock.after(withinMs, AbortSignal.any([this.closed, over.signal])).catch(() => {})
      void late.then(() => over.abort())
    }
    for (;;) {
      const message = this.#said.get(type)
      if (message !== undefined) {
        this.#said.delete(type)
        over.abort()
        return message as Extract<NamesMessage, { type: T }>
      }
      if (this.closed.aborted) throw new NetpluginError('unavailable', 'NAMES_LEFT', 'the names server ended')
      if (over.signal.aborted) {
        throw new NetpluginError('timeout', 'NAMES_STUCK', `the names server does not answer (no ${type})`)
      }
      await this.#heard.wait(AbortSignal.any([this.closed, over.signal]))
    }
  }

  close(): void {
    this.#socket.destroy()
    this.#closed.abort()
    this.#heard.wake()
  }

  async #read(): Promise<void> {
    try {
      for await (const line of linesOf(this.#socket, maxLineChars)) {
        const message = parseNamesLine(line)
        if (message === undefined) continue
        this.#said.set(message.type, message)
        this.#heard.wake()
      }
    } catch {
      // The server ended: whoever waits is told by `closed`.
    } finally {
      this.close()
    }
  }
}

function connected(path: string): Promise<Socket | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.removeAllListeners('error')
      socket.on('error', () => socket.destroy())
      resolve(socket)
    })
    socket.once('error', (cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT' || cause.code === 'ECONNREFUSED') return resolve(undefined)
      reject(new NetpluginError('unavailable', 'NAMES_UNREACHABLE', `${path}: ${asError(cause).message}`, { cause }))
    })
  })
}
