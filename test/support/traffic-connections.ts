// TCP connections from one namespace to another: new ones at a steady rate, each with one question and its answer, and some that
// stay and go on asking.

import { asError } from '../../src/lib/errors.ts'
import {
  accept,
  closeSocket,
  connect,
  connectError,
  type Descriptor,
  listen,
  openSocket,
  receive,
  resetOnClose,
  send,
} from './native-sockets.ts'
import type { ConnectionProgress, ConnectionReport } from './traffic-stream.ts'

/** One that the rules of bench/inside/policy-rules.ts let through. */
const port = 7000
const question = Buffer.from('?')
/** What is not answered by then is not answered any more. */
const patienceMs = 10_000
/** An answer that takes longer is one that TCP had to send something again for. */
const lateMs = 900
const keptAskMs = 100

interface Connection {
  readonly kept: boolean
  since: number
  state: 'connecting' | 'asking' | 'resting'
}

export class TrafficConnections {
  readonly #address: string
  readonly #everyMs: number
  #keptMissing: number
  #listener: Descriptor | undefined
  readonly #accepted = new Set<Descriptor>()
  readonly #open = new Map<Descriptor, Connection>()
  #next = 0
  #tried = 0
  #answered = 0
  #late = 0
  #longestMs = 0
  #keptLongestMs = 0
  readonly #refused: string[] = []
  readonly #cut: string[] = []

  constructor(options: { readonly address: string; readonly perSecond: number; readonly kept: number }) {
    this.#address = options.address
    this.#everyMs = 1_000 / options.perSecond
    this.#keptMissing = options.kept
  }

  /** In the namespace of who answers. */
  serve(): void {
    this.#listener = openSocket('tcp', false, { address: this.#address, port })
    listen(this.#listener)
  }

  /** In the namespace of who asks: what is due. */
  open(now: number): void {
    if (this.#next === 0) this.#next = now + this.#everyMs
    for (; this.#keptMissing > 0; this.#keptMissing--) this.#connect(now, true)
    if (this.#next <= now) {
      this.#tried++
      this.#connect(now, false)
      this.#next = Math.max(this.#next + this.#everyMs, now - this.#everyMs)
    }
    for (const [socket, one] of this.#open) {
      if (one.state === 'resting' && now - one.since >= keptAskMs) this.#ask(socket, one, now)
      else if (one.state !== 'resting' && now - one.since > patienceMs) this.#fail(socket, one, 'no answer')
    }
  }

  reading(): readonly Descriptor[] {
    const listeners = this.#listener === undefined ? [] : [this.#listener]
    return [...listeners, ...this.#accepted, ...this.#inState('asking'), ...this.#inState('resting')]
  }

  writing(): readonly Descriptor[] {
    return this.#inState('connecting')
  }

  take(found: ReadonlySet<Descriptor>, now: number): void {
    for (const socket of found) {
      const one = this.#open.get(socket)
      if (one !== undefined) this.#continue(socket, one, now)
      else if (this.#accepted.has(socket)) this.#answer(socket)
      else if (socket === this.#listener) this.#accept(socket)
    }
  }

  progress(): ConnectionProgress {
    return { tried: this.#tried, answered: this.#answered }
  }

  report(): ConnectionReport {
    const waiting = [...this.#open.values()].filter(({ state }) => state !== 'resting').length
    const unanswered = Array.from({ length: waiting }, () => 'no answer in the end')
    return {
      tried: this.#tried,
      refused: this.#refused,
      cut: [...this.#cut, ...unanswered],
      late: this.#late,
      longestMs: this.#longestMs,
      keptLongestMs: this.#keptLongestMs,
    }
  }

  #inState(state: Connection['state']): Descriptor[] {
    return [...this.#open].filter(([, one]) => one.state === state).map(([socket]) => socket)
  }

  #connect(now: number, kept: boolean): void {
    const socket = openSocket('tcp', false)
    resetOnClose(socket)
    connect(socket, { address: this.#address, port })
    this.#open.set(socket, { kept, since: now, state: 'connecting' })
  }

  #ask(socket: Descriptor, one: Connection, now: number): void {
    try {
      send(socket, question)
      if (one.state === 'resting') one.since = now
      one.state = 'asking'
    } catch (error) {
      this.#fail(socket, one, asError(error).message)
    }
  }

  #continue(socket: Descriptor, one: Connection, now: number): void {
    if (one.state === 'connecting') {
      const error = connectError(socket)
      if (error === 0) this.#ask(socket, one, now)
      else this.#fail(socket, one, `error ${error}`)
      return
    }
    try {
      const heard = receive(socket)
      if (heard === undefined) return
      if (heard.bytes.length === 0) this.#fail(socket, one, 'ended by the other side')
      else this.#done(socket, one, now)
    } catch (error) {
      this.#fail(socket, one, asError(error).message)
    }
  }

  #done(socket: Descriptor, one: Connection, now: number): void {
    const took = now - one.since
    if (one.kept) {
      this.#keptLongestMs = Math.max(this.#keptLongestMs, took)
      one.state = 'resting'
      one.since = now
      return
    }
    this.#answered++
    if (took > lateMs) this.#late++
    this.#longestMs = Math.max(this.#longestMs, took)
    this.#open.delete(socket)
    closeSocket(socket)
  }

  #fail(socket: Descriptor, one: Connection, reason: string): void {
    const wasOpen = one.kept || one.state !== 'connecting'
    if (wasOpen) this.#cut.push(reason)
    else this.#refused.push(reason)
    this.#open.delete(socket)
    closeSocket(socket)
  }

  #accept(listener: Descriptor): void {
    for (let one = accept(listener); one !== undefined; one = accept(listener)) {
      resetOnClose(one.socket)
      this.#accepted.add(one.socket)
    }
  }

  #answer(socket: Descriptor): void {
    try {
      const heard = receive(socket)
      if (heard === undefined) return
      if (heard.bytes.length > 0) {
        send(socket, heard.bytes)
        return
      }
    } catch {
      // Who asked has closed it.
    }
    this.#accepted.delete(socket)
    closeSocket(socket)
  }
}
