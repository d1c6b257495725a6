// Requests to Consul's HTTP API: to one server or agent, to the next when that fails or does not answer.

import { request as httpsRequest } from 'node:https'
import type { Clock } from '../../lib/clock.ts'
import { asError, NetpluginError } from '../../lib/errors.ts'
import { http } from '../../lib/http.ts'
import { notSent } from './kv.ts'
import type { ServerOptions } from './target.ts'

export interface ConsulClientOptions extends Pick<ServerOptions, 'endpoints' | 'tls'> {
  readonly token: string | undefined
  /** How long a call may take in all. */
  readonly callMs: number
  /** How long one server is waited for. */
  readonly memberMs: number
}

export interface AskOptions<B> {
  readonly query?: Readonly<Record<string, string>>
  readonly body?: unknown
  /** What 404 stands for; left out: an error. */
  readonly missing?: B | undefined
  /** Of a query that waits: ends it. Such a one may take as long as it asks for. */
  readonly signal?: AbortSignal
}

export interface ConsulAnswer<B> {
  readonly status: number
  readonly body: B
  /** X-Consul-Index. */
  readonly index: number
}

/** A query that waits is answered within the time it asks for and a sixteenth more. */
const longestWaitMs = 40_000
const pauseMs = 150

export class ConsulClient {
  readonly #options: ConsulClientOptions
  readonly #clock: Clock
  readonly #closing = new AbortController()
  #at = 0

  constructor(options: ConsulClientOptions, { clock }: { readonly clock: Clock }) {
    this.#options = options
    this.#clock = clock
  }

  /** Safe to ask twice: goes on to other servers until time is over. */
  async ask<B>(method: string, path: string, options: AskOptions<B>): Promise<ConsulAnswer<B>> {
    const until = this.#clock.now() + this.#options.callMs
    const failures = new Map<string, string>()
    for (;;) {
      const endpoint = this.#endpoint()
      try {
        const answer = await this.#send(endpoint, method, path, options)
        if (answer.status === 200) return { ...answer, body: JSON.parse(answer.text) as B }
        if (answer.status === 404 && 'missing' in options) return { ...answer, body: options.missing as B }
        if (answer.status < 500) throw refusal(answer)
        failures.set(endpoint, answer.text.trim().slice(0, 200))
      } catch (error) {
        if (error instanceof NetpluginError || options.signal?.aborted) throw error
        failures.set(endpoint, asError(error).message)
      }
      this.#at++
      if (this.#closing.signal.aborted || this.#clock.now() + pauseMs >= until) throw unreachable(failures)
      if (this.#at % this.#options.endpoints.length === 0) await this.#clock.after(pauseMs)
    }
  }

  /** Not safe to ask twice. Answers 200 and 409; anything that leaves it open whether it was done is `unavailable`. */
  async once<B>(method: string, path: string, body: unknown): Promise<ConsulAnswer<B>> {
    const endpoint = this.#endpoint()
    try {
      const answer = await this.#send(endpoint, method, path, { body })
      if (answer.status === 200 || answer.status === 409) return { ...answer, body: JSON.parse(answer.text) as B }
      if (answer.status < 500) throw refusal(answer)
      throw new Error(answer.text.trim().slice(0, 200))
    } catch (error) {
      if (error instanceof NetpluginError) throw error
      this.#at++
      const isRefused = error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED'
      const failure = unreachable(new Map([[endpoint, asError(error).message]]))
      throw isRefused ? notSent(failure) : failure
    }
  }

  close(): void {
    this.#closing.abort()
  }

  #endpoint(): string {
    if (this.#closing.signal.aborted) throw new NetpluginError('unavailable', 'STORE_CLOSED', 'the store is closed')
    const { endpoints } = this.#options
    return endpoints[this.#at % endpoints.length] ?? ''
  }

  #send(
    endpoint: string,
    method: string,
    path: string,
    { query = {}, body, signal }: AskOptions<unknown>,
  ): Promise<{ readonly status: number; readonly text: string; readonly index: number }> {
    const { tls, token, memberMs } = this.#options
    const search = Object.entries(query).map(([name, value]) =>
      value === '' ? name : `${name}=${encodeURIComponent(value)}`,
    )
    const url = `${tls === undefined ? 'http' : 'https'}://${endpoint}/v1/${path}${search.length > 0 ? `?${search.join('&')}` : ''}`
    const headers = token === undefined ? {} : { 'x-consul-token': token }
    const ends = AbortSignal.any([
      this.#closing.signal,
      AbortSignal.timeout(signal === undefined ? memberMs : longestWaitMs),
      ...(signal === undefined ? [] : [signal]),
    ])
    return new Promise((resolve, reject) => {
      const options = { method, headers, signal: ends, ...tls }
      const sent = (tls === undefined ? http.request : httpsRequest)(url, options, (response) => {
        const pieces: Buffer[] = []
        response.on('data', (piece: Buffer) => pieces.push(piece))
        response.on('error', reject)
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            text: Buffer.concat(pieces).toString(),
            index: Number(response.headers['x-consul-index'] ?? 0),
          }),
        )
      })
      sent.on('error', (error) =>
        reject(ends.aborted && !this.#closing.signal.aborted ? new Error('no answer in time') : error),
      )
      sent.end(body === undefined ? undefined : JSON.stringify(body))
    })
  }
}

function refusal({ status, text }: { readonly status: number; readonly text: string }): NetpluginError {
  const why = text.trim().slice(0, 200)
  if (status === 401 || status === 403) {
    const message = `Consul does not allow this: ${why}; give a token that may write the prefix and sessions (--store-password-file)`
    return new NetpluginError('forbidden', 'STORE_FORBIDDEN', message)
  }
  if (status === 413) {
    const message = `Consul takes less at once than its defaults: ${why}; start it without limits of txn_max_req_len and kv_max_value_size`
    return new NetpluginError('invalid', 'STORE_LIMITS', message)
  }
  return new NetpluginError('invalid', 'STORE_PROTOCOL', `Consul answers ${status}: ${why}`)
}

function unreachable(failures: ReadonlyMap<string, string>): NetpluginError {
  const each = [...failures].map(([endpoint, why]) => `${endpoint}: ${why}`).join('; ')
  const hint = [...failures.values()].some((why) => /certificate|SSL|TLS|alert/i.test(why))
    ? 'check --store-ca, --store-cert and --store-key'
    : 'check that Consul runs and has a leader (consul operator raft list-peers), and --consul-endpoints'
  return new NetpluginError('unavailable', 'STORE_UNREACHABLE', `Consul does not answer (${each}); ${hint}`)
}
