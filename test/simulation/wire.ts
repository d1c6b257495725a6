// The network between programs: requests and streams over connections of their own, each with its delays. While two places
// are cut off from each other nothing arrives, and what was sent arrives afterwards if anybody still waits for it; it may
// even arrive when nobody does.

import { NetpluginError } from '../../src/lib/errors.ts'
import { Wakeup } from '../../src/lib/wakeup.ts'
import type { Process } from './process.ts'
import type { World } from './world.ts'

/** Where a server can be reached; who serves there may die, and another one take its place. */
export interface Place<S> {
  readonly name: string
  /** Who serves there now. */
  current: { readonly process: Process; readonly server: S } | undefined
}

interface Caller {
  readonly name: string
  readonly process?: Process
}

const usualMs = 4
/** How often what did not arrive is sent again. */
const againMs = 150

export class Wire {
  readonly #world: World
  readonly #cuts = new Set<string>()

  constructor(world: World) {
    this.#world = world
  }

  cut(a: string, b: string): void {
    this.#world.tell(`${a} and ${b} are cut off from each other`)
    this.#cuts.add(pair(a, b))
  }

  heal(a: string, b: string): void {
    if (this.#cuts.delete(pair(a, b))) this.#world.tell(`${a} and ${b} hear each other again`)
  }

  healAll(): void {
    this.#cuts.clear()
  }

  isCut(a: string, b: string): boolean {
    return this.#cuts.has(pair(a, b))
  }

  /** Throws NETMASTER_UNREACHABLE, NETMASTER_TIMEOUT, the signal's reason, or what the server throws. */
  request<S, T>(
    from: Caller,
    to: Place<S>,
    handle: (server: S) => Promise<T>,
    { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal?: AbortSignal | undefined },
  ): Promise<T> {
    from.process?.burn()
    return new Promise<T>((resolve, reject) => {
      let isOpen = true
      const close = (settle: () => void) => {
        if (!isOpen) return
        isOpen = false
        takeBack()
        signal?.removeEventListener('abort', onAbort)
        from.process?.burn()
        if (from.process?.isAlive !== false) settle()
      }
      const onAbort = () => close(() => reject(signal?.reason))
      const takeBack = this.#world.after(timeoutMs, () => close(() => reject(timedOut(to.name))))
      if (signal?.aborted) return onAbort()
      signal?.addEventListener('abort', onAbort, { once: true })
      const answer = (settle: () => void) =>
        this.#carry(
          from.name,
          to.name,
          () => isOpen,
          () => close(settle),
        )
      // Some of what was sent is read when its sender has gone.
      const isLate = this.#world.chance.chance(0.5)
      this.#carry(
        from.name,
        to.name,
        () => isOpen || isLate,
        () => this.#arrive(to, handle, answer, resolve, reject),
      )
    })
  }

  #arrive<S, T>(
    to: Place<S>,
    handle: (server: S) => Promise<T>,
    answer: (settle: () => void) => void,
    resolve: (value: T) => void,
    reject: (error: unknown) => void,
  ): void {
    const at = to.current
    if (at === undefined || !at.process.isAlive) {
      answer(() => reject(unreachable(to.name)))
      return
    }
    const forget = at.process.onDeath(() => answer(() => reject(unreachable(to.name))))
    const done = (settle: () => void) => {
      if (!at.process.isAlive) return
      forget()
      answer(settle)
    }
    handle(at.server).then(
      (value) => done(() => resolve(value)),
      (error: unknown) => done(() => reject(error)),
    )
  }

  /** In order, until one of both ends it. Throws when the connection breaks, or is silent for `idleMs`. */
  async *stream<S, M>(
    from: Required<Caller>,
    to: Place<S>,
    open: (server: S, send: (message: M) => void, closed: AbortSignal) => Promise<void>,
    { idleMs }: { readonly idleMs: number },
    signal: AbortSignal,
  ): AsyncIterable<M> {
    const arrived: M[] = []
    const news = new Wakeup()
    const closed = new AbortController()
    let end: (() => void) | undefined
    const onTheWay: { readonly at: number; readonly happen: () => void }[] = []
    const carryNext = () => {
      const first = onTheWay[0]
      if (first === undefined) return
      const isOpen = () => !closed.signal.aborted
      this.#carryAt(first.at - this.#world.now, from.name, to.name, isOpen, () => {
        first.happen()
        onTheWay.shift()
        carryNext()
      })
    }
    const inOrder = (happen: () => void) => {
      onTheWay.push({ at: this.#world.now + this.#world.delay(usualMs), happen })
      if (onTheWay.length === 1) carryNext()
    }
    const finish = (error?: NetpluginError) =>
      inOrder(() => {
        end ??= () => {
          if (error !== undefined) throw error
        }
        news.wake()
      })
    from.process.burn()
    inOrder(() => {
      const at = to.current
      if (at === undefined || !at.process.isAlive) return finish(unreachable(to.name))
      const send = (message: M) => {
        if (!at.process.isAlive) return
        inOrder(() => {
          arrived.push(message)
          news.wake()
        })
      }
      at.process.onDeath(() => finish(unreachable(to.name)))
      open(at.server, send, closed.signal).then(
        () => finish(),
        () => finish(),
      )
    })
    const { clock } = from.process
    try {
      for (;;) {
        const next = arrived.shift()
        if (next !== undefined) {
          from.process.burn()
          if (!from.process.isAlive) return await never()
          yield next
          continue
        }
        if (signal.aborted) throw signal.reason
        if (end !== undefined) return end()
        const before = this.#world.now
        await news.waitAtMost(idleMs, { clock }, signal)
        if (!from.process.isAlive) return await never()
        const isSilent = arrived.length === 0 && end === undefined && this.#world.now - before >= idleMs
        if (isSilent) throw timedOut(to.name)
      }
    } finally {
      // The other side hears of it a moment later.
      this.#world.after(usualMs, () => closed.abort())
    }
  }

  #carry(a: string, b: string, isWanted: () => boolean, arrive: () => void): void {
    this.#carryAt(this.#world.delay(usualMs), a, b, isWanted, arrive)
  }

  #carryAt(ms: number, a: string, b: string, isWanted: () => boolean, arrive: () => void): void {
    this.#world.after(ms, () => {
      if (!isWanted()) return
      if (this.isCut(a, b)) this.#carryAt(againMs, a, b, isWanted, arrive)
      else arrive()
    })
  }
}

const pair = (a: string, b: string) => (a < b ? `${a} ${b}` : `${b} ${a}`)

const never = () => new Promise<never>(() => {})

function unreachable(name: string): NetpluginError {
  return new NetpluginError('unavailable', 'NETMASTER_UNREACHABLE', `nobody listens at ${name}`)
}

function timedOut(name: string): NetpluginError {
  return new NetpluginError('timeout', 'NETMASTER_TIMEOUT', `${name} did not answer in time`)
}
