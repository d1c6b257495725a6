// The shapes of exchange: one question with one answer, one question with an answer in parts, and a run of
// modifications that are answered only when refused.

import { type Reader, Writer } from '../../lib/bytes.ts'
import { asError } from '../../lib/errors.ts'
import type { Channel, Exchange } from './channel.ts'
import { decodeError, type SwitchError, switchRefused } from './error.ts'
import { flowIdentity } from './format.ts'
import { encodeEmpty, type Message } from './message.ts'
import type { Modification } from './modification.ts'
import { decodeMultipartHeader } from './multipart.ts'
import { messageTypes } from './wire.ts'

/** What is asked, in the words of its error messages, and how. */
export interface Question {
  readonly what: string
  encode(w: Writer, xid: number): void
}

/** Sends the question and resolves to the one reply. */
export async function ask(channel: Channel, question: Question, signal?: AbortSignal): Promise<Message> {
  const reply = Promise.withResolvers<Message>()
  await exchange(channel, question, signal, reply.promise, {
    onMessage: (message) => {
      if (message.type === messageTypes.error) reply.reject(switchRefused(decodeError(message.body), question.what))
      else reply.resolve(message)
    },
    onClosed: reply.reject,
  })
  return await reply.promise
}

/** Sends the question and resolves to the entries of all parts of the reply. */
export async function askParts<T>(
  channel: Channel,
  question: Question,
  decodeEntry: (r: Reader) => T,
  signal?: AbortSignal,
): Promise<T[]> {
  const entries: T[] = []
  const whole = Promise.withResolvers<void>()
  await exchange(channel, question, signal, whole.promise, {
    onMessage: (message) => {
      try {
        if (message.type === messageTypes.error) throw switchRefused(decodeError(message.body), question.what)
        const { more } = decodeMultipartHeader(message.body)
        while (message.body.remaining > 0) entries.push(decodeEntry(message.body))
        if (!more) whole.resolve()
      } catch (error) {
        whole.reject(asError(error))
      }
    },
    onClosed: whole.reject,
  })
  return entries
}

/** Sends what has no reply, and resolves when the switch has done it. */
export async function tell(channel: Channel, statement: Question, signal?: AbortSignal): Promise<void> {
  const refused = Promise.withResolvers<never>()
  const xid = channel.allocate(1)
  const open: Exchange = {
    first: xid,
    last: xid,
    onMessage: (message) => refused.reject(switchRefused(decodeError(message.body), statement.what)),
    onClosed: refused.reject,
  }
  channel.begin(open)
  try {
    channel.post((w) => statement.encode(w, xid))
    await Promise.race([refused.promise, barrier(channel, signal)])
  } finally {
    channel.finish(open)
  }
}

/** Resolves when the switch has done everything sent before. */
export async function barrier(channel: Channel, signal?: AbortSignal): Promise<void> {
  const encode = (w: Writer, xid: number) => encodeEmpty(w, messageTypes.barrierRequest, xid)
  await ask(channel, { what: 'a barrier', encode }, signal)
}

async function exchange(
  channel: Channel,
  question: Question,
  signal: AbortSignal | undefined,
  done: Promise<unknown>,
  handlers: Pick<Exchange, 'onMessage' | 'onClosed'>,
): Promise<void> {
  signal?.throwIfAborted()
  const xid = channel.allocate(1)
  const open: Exchange = { first: xid, last: xid, ...handlers }
  channel.begin(open)
  try {
    channel.post((w) => question.encode(w, xid))
    await channel.wait(done, { what: question.what, signal })
  } finally {
    channel.finish(open)
  }
}

const flushBytes = 64 * 1024
/** More than most modifications take. */
const usualBytes = 512

/** Sends modifications in order, remembers the first that the switch refuses, and how many it refuses in all. */
export class Transfer {
  readonly #channel: Channel
  readonly #modifications: readonly Modification[]
  readonly #exchange: Exchange
  #refused: { readonly index: number; readonly error: SwitchError } | undefined
  #refusals = 0

  constructor(channel: Channel, modifications: readonly Modification[]) {
    this.#channel = channel
    this.#modifications = modifications
    const first = channel.allocate(modifications.length)
    this.#exchange = {
      first,
      last: first + modifications.length - 1,
      onMessage: (message) => {
        if (message.type !== messageTypes.error) return
        this.#refusals++
        this.#refused ??= { index: message.xid - first, error: decodeError(message.body) }
      },
      onClosed: () => {},
    }
    channel.begin(this.#exchange)
  }

  /** Sends all of them; stops early once one is refused, when `stopEarly` is set. */
  async run(
    encode: (w: Writer, xid: number, modification: Modification) => void,
    stopEarly: boolean,
    signal?: AbortSignal,
  ): Promise<void> {
    const w = new Writer(Math.min(this.#modifications.length * usualBytes, flushBytes * 2))
    let xid = this.#exchange.first
    for (const modification of this.#modifications) {
      encode(w, xid++, modification)
      if (w.length < flushBytes) continue
      await this.#channel.send(w, signal)
      signal?.throwIfAborted()
      if (stopEarly && this.#refused !== undefined) return
    }
    if (w.length > 0) await this.#channel.send(w, signal)
  }

  /** The first refusal as an error that names the modification; undefined when there was none. */
  refusal(): Error | undefined {
    if (this.#refused === undefined) return undefined
    const { index, error } = this.#refused
    const modification = this.#modifications[index]
    const name = modification === undefined ? '' : ` (${describe(modification)})`
    const doing = `modification ${index + 1} of ${this.#modifications.length}${name}`
    return switchRefused(error, doing, { index, refusals: this.#refusals, modification })
  }

  end(): void {
    this.#channel.finish(this.#exchange)
  }
}

function describe(m: Modification): string {
  switch (m.op) {
    case 'add-flow':
      return `${m.op} ${flowIdentity(m.flow)}`
    case 'delete-flow':
      return `${m.op} ${flowIdentity(m)}`
    case 'delete-flows':
      return m.op
    case 'delete-group':
    case 'delete-meter':
      return `${m.op} ${m.id}`
    case 'add-meter':
    case 'modify-meter':
      return `${m.op} ${m.meter.id}`
    default:
      return `${m.op} ${m.group.id}`
  }
}
