// Asks upstream servers for what is not known here, and keeps their answers for a while. Equal questions that wait at
// the same time are asked once. The server that answered last is asked first; one that fails makes way for the next, and
// one that refuses is left alone for a moment.

import type { Clock } from '../../lib/clock.ts'
import { asNetpluginError } from '../../lib/errors.ts'
import type { Log } from '../../lib/log.ts'
import { type Answer, failure, optRecord } from './answer.ts'
import { AnswerCache } from './cache.ts'
import type { Exchange, Upstream } from './exchange.ts'
import { flagBits, headerBytes, type Query, type Rcode, rcodes } from './query.ts'
import { keptAtMost, responseFacts } from './response.ts'
import type { Transport } from './server.ts'

export interface ForwarderOptions {
  /** In order of preference. */
  readonly upstreams: readonly Upstream[]
  /** For one try at one server. */
  readonly tryTimeoutMs: number
  /** How often the whole list is tried. */
  readonly rounds: number
  /** Questions that wait for a server; more are answered with SERVFAIL. */
  readonly maxPending: number
  readonly cacheEntries: number
  readonly cacheBytes: number
  readonly maxCacheSeconds: number
  /**
   * For answers that say that there is nothing. Clients are told the same: a name that nobody has now may be that of a
   * container in a moment.
   */
  readonly maxNegativeSeconds: number
}

export interface ForwarderDeps {
  readonly exchange: Exchange
  /** Hard to guess, 0..65535. */
  readonly randomId: () => number
  readonly clock: Clock
  readonly log: Log
}

/**
 * A server that refused is taken to refuse for so long. Linux tells a host only about once a second that nobody listens,
 * and often two questions (A and AAAA) come together; each one more would wait for its whole time instead.
 */
const refusedMs = 2_000

export class Forwarder {
  readonly #options: ForwarderOptions
  readonly #deps: ForwarderDeps
  readonly #cache: AnswerCache
  readonly #pending = new Map<string, Promise<Answer>>()
  readonly #closing = new AbortController()
  #upstreams: readonly Upstream[]
  #preferred = 0
  /** By transport and server, until when it is not asked. */
  readonly #refusedUntil = new Map<string, number>()

  constructor(options: ForwarderOptions, deps: ForwarderDeps) {
    this.#options = options
    this.#deps = deps
    this.#upstreams = options.upstreams
    const { cacheEntries: maxEntries, cacheBytes: maxBytes, maxCacheSeconds: maxSeconds, maxNegativeSeconds } = options
    this.#cache = new AnswerCache({ maxEntries, maxBytes, maxSeconds, maxNegativeSeconds })
  }

  /** Asks these servers from now on: the host's configuration may change. */
  setUpstreams(upstreams: readonly Upstream[]): void {
    if (upstreams.map(nameOf).join(' ') === this.#upstreams.map(nameOf).join(' ')) return
    this.#upstreams = upstreams
    this.#preferred = 0
  }

  /**
   * The answer of an upstream or of the cache; at once in the latter case. Never fails: SERVFAIL when no server
   * answers. Takes at most `tryTimeoutMs` x `rounds` x number of servers.
   */
  forward(query: Query, transport: Transport): Answer | Promise<Answer> {
    if (this.#closing.signal.aborted) return failure('SERVFAIL')
    const key = keyOf(query)
    const cached = this.#cache.get(key, this.#deps.clock.now())
    if (cached !== undefined) return { kind: 'message', message: cached }
    const pendingKey = `${transport} ${key}`
    const pending = this.#pending.get(pendingKey)
    if (pending !== undefined) return pending
    if (this.#pending.size >= this.#options.maxPending) return failure('SERVFAIL')
    const asked = this.#ask(key, query, transport).finally(() => this.#pending.delete(pendingKey))
    this.#pending.set(pendingKey, asked)
    return asked
  }

  /** Ends what waits, with SERVFAIL. */
  close(): void {
    this.#closing.abort()
  }

  async #ask(key: string, query: Query, transport: Transport): Promise<Answer> {
    let refusal: Answer | undefined
    for (let round = 0; round < this.#options.rounds; round++) {
      const upstreams = this.#upstreams
      const first = this.#preferred
      for (let step = 0; step < upstreams.length; step++) {
        const index = (first + step) % upstreams.length
        const upstream = upstreams[index]
        if (upstream === undefined || this.#closing.signal.aborted) break
        if ((this.#refusedUntil.get(`${transport} ${nameOf(upstream)}`) ?? 0) > this.#deps.clock.now()) continue
        const { answer, good } = await this.#try(key, query, upstream, transport)
        if (good && answer !== undefined) {
          if (upstreams === this.#upstreams) this.#preferred = index
          return answer
        }
        refusal = answer ?? refusal
      }
      // A refusal is an answer: asking the same servers again would only repeat it.
      if (refusal !== undefined) return refusal
    }
    return failure('SERVFAIL')
  }

  async #try(key: string, query: Query, upstream: Upstream, transport: Transport): Promise<Attempt> {
    const id = this.#deps.randomId()
    const signal = AbortSignal.any([AbortSignal.timeout(this.#options.tryTimeoutMs), this.#closing.signal])
    try {
      const received = await this.#deps.exchange(upstream, encodeQuery(id, query), transport, signal)
      const facts = responseFacts(received)
      if (facts === undefined) return { answer: undefined, good: false }
      if (!facts.hasQuestion) return { answer: failure(rcodeName(facts.rcode)), good: false }
      const good = facts.rcode === rcodes.NOERROR || facts.rcode === rcodes.NXDOMAIN
      const message = facts.negative
        ? keptAtMost(received, facts.ttlOffsets, this.#options.maxNegativeSeconds)
        : received
      if (good) this.#cache.put(key, message, facts, this.#deps.clock.now())
      return { answer: { kind: 'message', message }, good }
    } catch (error) {
      const { code, message } = asNetpluginError(error)
      if (code === 'UPSTREAM_REFUSED') {
        this.#refusedUntil.set(`${transport} ${nameOf(upstream)}`, this.#deps.clock.now() + refusedMs)
      }
      this.#deps.log.debug('dns server did not answer', { ...upstream, error: message })
      return { answer: undefined, good: false }
    }
  }
}

/** `good` says that no other server needs to be asked. */
interface Attempt {
  readonly answer: Answer | undefined
  readonly good: boolean
}

function nameOf({ address, port }: Upstream): string {
  return `${address}#${port}`
}

function rcodeName(rcode: number): Rcode {
  if (rcode === rcodes.FORMERR) return 'FORMERR'
  if (rcode === rcodes.NOTIMP) return 'NOTIMP'
  if (rcode === rcodes.REFUSED) return 'REFUSED'
  return 'SERVFAIL'
}

/** Everything that makes an upstream's answer differ; the case of letters and the client's buffer size do not. */
function keyOf({ question, recursionDesired, checkingDisabled, edns, questionBytes }: Query): string {
  const kind = questionBytes.toString('latin1', questionBytes.length - 4)
  const flags = [recursionDesired, checkingDisabled, edns !== undefined, edns?.dnssecOk === true].map(Number).join('')
  return `${question.name.toLowerCase()} ${kind}${flags}`
}

/** The client's question as a query of our own: its other options (cookies, addresses of clients) stay here. */
function encodeQuery(id: number, query: Query): Buffer {
  const header = Buffer.alloc(headerBytes)
  header.writeUInt16BE(id, 0)
  const flags =
    (query.recursionDesired ? flagBits.recursionDesired : 0) | (query.checkingDisabled ? flagBits.checkingDisabled : 0)
  header.writeUInt16BE(flags, 2)
  header.writeUInt16BE(1, 4)
  header.writeUInt16BE(query.edns === undefined ? 0 : 1, 10)
  const opt = query.edns === undefined ? [] : [optRecord(query.edns.dnssecOk)]
  return Buffer.concat([header, query.questionBytes, ...opt])
}
